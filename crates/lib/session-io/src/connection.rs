//! One connection with its two buffers.

mod binding;
mod bounds;
mod client;
mod client_certificate;
mod der;
mod handshake;
mod peer;
mod presence;
mod standing;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::SessionError;
use crate::slot::SlotState;
use crate::socket::Socket;
use crate::stream::Stream;
use bounds::{Bounds, displaced};
pub use peer::NoRoom;

/// The first read of a quiet connection: a command or several, or a message of the usual size
/// with what surrounds it.
const SMALL_READ: usize = 8 * 1024;

/// Reads while a body streams in.
const LARGE_READ: usize = 64 * 1024;

/// Output above this is not kept for the next answer.
const KEPT_OUTPUT: usize = 64 * 1024;

/// [`Connection::write`] copies what is shorter: one larger write beats two.
const COPIED: usize = 16 * 1024;

/// Until a session says otherwise. RFC 5321 §4.5.3.2.7 asks servers for 5 minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// How long, and for how many octets, a peer that still sends is listened to once all is said.
const GOODBYE: Duration = Duration::from_secs(1);
const LEFT_UNREAD: usize = 1024 * 1024;

/// How long a peer may still take for what is being written to it once the process is ending.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Silence after which the system asks whether the peer is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(120);

/// A TCP or TLS connection to a client or to a server.
///
/// A connection that waits for its peer holds no buffers: they are made when there is something
/// to read, and let go before the next wait.
pub struct Connection {
    stream: Stream,
    peer: SocketAddr,
    local: SocketAddr,
    proxy: Option<IpAddr>,
    input: BytesMut,
    output: BytesMut,
    bounds: Bounds,
    /// `tls-server-end-point` of the certificate that this side has shown.
    end_point: Option<Vec<u8>>,
    /// The last read filled the space it had: more is on its way.
    bulk: bool,
}

/// How a TLS session is protected, for trace headers and logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3`
    pub version: &'static str,
    /// `TLS13_AES_256_GCM_SHA384`
    pub cipher: &'static str,
}

impl Connection {
    /// Takes over a connected socket.
    pub fn new(socket: TcpStream) -> Result<Self, SessionError> {
        // Answers go out in one write each: there is nothing for Nagle's algorithm to join.
        socket.set_nodelay(true)?;
        // A peer that vanished without a word is noticed, and a NAT box between us reminded.
        let keepalive = TcpKeepalive::new().with_time(KEEP_ALIVE);
        SockRef::from(&socket).set_tcp_keepalive(&keepalive)?;
        Ok(Self {
            peer: socket.peer_addr()?,
            local: socket.local_addr()?,
            proxy: None,
            stream: Stream::Plain(Socket::new(socket)),
            input: BytesMut::new(),
            output: BytesMut::new(),
            bounds: Bounds::new(DEFAULT_TIMEOUT),
            end_point: None,
            bulk: false,
        })
    }

    /// The other end; behind a proxy the client that it told of.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// This end.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether TLS protects it.
    pub fn is_tls(&self) -> bool {
        self.stream.tls().is_some()
    }

    /// How TLS protects it.
    pub fn tls(&self) -> Option<TlsFacts> {
        let tls = self.stream.tls()?;
        Some(TlsFacts {
            version: match tls.protocol_version()? {
                rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3",
                rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2",
                _ => "TLS",
            },
            cipher: tls
                .negotiated_cipher_suite()?
                .suite()
                .as_str()
                .unwrap_or("unknown"),
        })
    }

    /// How long the peer may take for each fill, flush and handshake from now on.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.bounds.patience = timeout;
    }

    /// From now on `shutdown` is seen while the peer is waited for: a handshake is broken off, and
    /// a peer that does not read what is written to it has a last moment for it. Waiting for input
    /// goes on: only the session knows whether what comes is still wanted.
    pub fn watch(&mut self, shutdown: CancellationToken) {
        self.bounds.shutdown = shutdown;
    }

    /// What has been read and not consumed.
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// What is to be written at the next flush.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Both buffers at once, for a session that answers while it parses.
    pub fn buffers(&mut self) -> (&mut BytesMut, &mut BytesMut) {
        (&mut self.input, &mut self.output)
    }

    /// Reads what the peer has sent, waiting for it if need be, and says how many bytes were
    /// added to the input; 0 when the peer will send nothing more. May be cancelled: nothing that
    /// was read is lost.
    pub async fn fill(&mut self) -> Result<usize, SessionError> {
        self.fill_while(true).await
    }

    /// As [`Connection::fill`], while the peer is the one that waits: its slot is not offered to
    /// others.
    pub async fn fill_meanwhile(&mut self) -> Result<usize, SessionError> {
        self.fill_while(false).await
    }

    async fn fill_while(&mut self, offered: bool) -> Result<usize, SessionError> {
        self.bounds.check_slot()?;
        if let Some(read) = self.read_at_hand().await {
            return read;
        }
        let slot = self.bounds.slot_state();
        let offer = slot.clone().filter(|_| offered).map(SlotState::offer);
        let patience = self.bounds.at_most(self.bounds.patience);
        let filled = tokio::select! {
            biased;
            filled = timeout(patience, self.fill_untimed()) => Some(filled),
            () = displaced(slot.as_deref()) => None,
        };
        drop(offer);
        match filled {
            Some(filled) => filled.unwrap_or(Err(SessionError::Timeout)),
            None => {
                self.bounds.check_slot()?;
                Err(SessionError::Displaced)
            }
        }
    }

    async fn fill_untimed(&mut self) -> Result<usize, SessionError> {
        loop {
            self.bulk = false;
            self.release();
            self.stream.readable().await?;
            if let Some(read) = self.read_at_hand().await {
                return read;
            }
        }
    }

    /// Reads what has come already; none when there is nothing.
    async fn read_at_hand(&mut self) -> Option<Result<usize, SessionError>> {
        let want = if self.bulk { LARGE_READ } else { SMALL_READ };
        // Half of it will do: else each read of a long body would move what is left.
        if self.input.capacity() - self.input.len() < want / 2 {
            self.input.reserve(want);
        }
        let space = self.input.capacity() - self.input.len();
        let read = tokio::select! {
            biased;
            read = self.stream.read_buf(&mut self.input) => read,
            () = std::future::ready(()) => return None,
        };
        match read {
            Ok(count) => {
                self.bulk = count >= space.min(LARGE_READ);
                Some(Ok(count))
            }
            // RFC 8446 §6.1 wants a close_notify; many peers just close. Our protocols say
            // themselves when something is complete.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Some(Ok(0)),
            Err(error) => Some(Err(error.into())),
        }
    }

    /// Lets go of buffers that hold nothing.
    fn release(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.output.is_empty() {
            self.output = BytesMut::new();
        }
    }

    /// Writes all output, in one write where the socket takes it.
    pub async fn flush(&mut self) -> Result<(), SessionError> {
        self.write(&[]).await
    }

    /// Writes all output and then `bytes`. Large bytes are not copied into the output first.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        if self.output.is_empty() && bytes.is_empty() {
            return Ok(());
        }
        let sent = async {
            if bytes.len() < COPIED {
                self.output.extend_from_slice(bytes);
                self.stream.write_all_buf(&mut self.output).await?;
            } else {
                let mut both = (&mut self.output).chain(bytes);
                self.stream.write_all_buf(&mut both).await?;
            }
            self.stream.flush().await
        };
        self.bounds.wait(LAST_WORDS, sent).await??;
        if self.output.capacity() > KEPT_OUTPUT {
            self.output = BytesMut::new();
        }
        Ok(())
    }

    /// Says goodbye (TLS's close_notify, TCP's FIN) after the last flush, and waits a moment for the
    /// peer to do the same. A socket that is closed with input unread is reset (RFC 2525 §2.17),
    /// and a reset makes the peer lose what was said last: why it is sent away.
    pub async fn close(mut self) -> Result<(), SessionError> {
        let goodbye = self.stream.shutdown();
        self.bounds.wait(LAST_WORDS, goodbye).await??;
        let left = async {
            let mut passed_over = 0;
            while passed_over < LEFT_UNREAD {
                self.input.clear();
                self.input.reserve(SMALL_READ);
                match self.stream.read_buf(&mut self.input).await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => passed_over += count,
                }
            }
        };
        // Who does not go by then has had its chance.
        let _ = timeout(self.bounds.at_most(GOODBYE), left).await;
        Ok(())
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .field("local", &self.local)
            .field("tls", &self.is_tls())
            .finish_non_exhaustive()
    }
}
