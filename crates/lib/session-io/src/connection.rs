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

/// The first read of a quiet connection: one or several commands, or a message of usual size with its
/// commands.
const SMALL_READ: usize = 8 * 1024;

/// Read size while a message arrives.
const LARGE_READ: usize = 64 * 1024;

/// A larger output buffer is released.
const KEPT_OUTPUT: usize = 64 * 1024;

/// [`Connection::write`] copies shorter data: one larger write is faster than two.
const COPIED: usize = 16 * 1024;

/// The default. RFC 5321 §4.5.3.2.7 requires 5 minutes of servers.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// Time and octets for which a closing connection still reads from its peer.
const GOODBYE: Duration = Duration::from_secs(1);
const LEFT_UNREAD: usize = 1024 * 1024;

/// Time limit of a write after the process has begun to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Idle time after which the kernel probes whether the peer is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(120);

/// A TCP or TLS connection to a client or to a server.
///
/// A waiting connection holds no buffers: they are allocated when there is something to read, and released
/// before the next wait.
pub struct Connection {
    stream: Stream,
    peer: SocketAddr,
    local: SocketAddr,
    proxy: Option<IpAddr>,
    input: BytesMut,
    output: BytesMut,
    bounds: Bounds,
    /// `tls-server-end-point` of this side's certificate.
    end_point: Option<Vec<u8>>,
    /// The last read filled its buffer: more data is waiting.
    bulk: bool,
}

/// The protection of a TLS session, for trace headers and logs.
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
        // Answers are sent in one write each, so Nagle's algorithm would only delay them.
        socket.set_nodelay(true)?;
        // Detects a vanished peer, and keeps NAT mappings alive.
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

    /// The remote address; behind a proxy the client's address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The local address.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether the connection uses TLS.
    pub fn is_tls(&self) -> bool {
        self.stream.tls().is_some()
    }

    /// The TLS parameters.
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

    /// Sets the time limit for each fill, flush and handshake.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.bounds.patience = timeout;
    }

    /// Makes waits react to `shutdown`: a handshake is aborted, and a write gets only a short time. Waiting
    /// for input continues: only the session knows whether input is still wanted.
    pub fn watch(&mut self, shutdown: CancellationToken) {
        self.bounds.shutdown = shutdown;
    }

    /// Received data that is not consumed yet.
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Data for the next flush.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Both buffers at once, for a session that answers while it parses.
    pub fn buffers(&mut self) -> (&mut BytesMut, &mut BytesMut) {
        (&mut self.input, &mut self.output)
    }

    /// Reads data from the peer, waiting if necessary, and returns the number of bytes added to the input;
    /// 0 if the peer has closed its side. Cancel-safe.
    pub async fn fill(&mut self) -> Result<usize, SessionError> {
        self.fill_while(true).await
    }

    /// As [`Connection::fill`], while the peer waits for this side: the connection cannot be displaced.
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

    /// Reads data that has already arrived; none if there is nothing.
    async fn read_at_hand(&mut self) -> Option<Result<usize, SessionError>> {
        let want = if self.bulk { LARGE_READ } else { SMALL_READ };
        // Half of the size is enough: otherwise each read of a long message would move the remainder.
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
            // RFC 8446 §6.1 requires a close_notify, but many peers just close. The mail protocols mark
            // complete data themselves.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Some(Ok(0)),
            Err(error) => Some(Err(error.into())),
        }
    }

    /// Releases empty buffers.
    fn release(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.output.is_empty() {
            self.output = BytesMut::new();
        }
    }

    /// Writes all output, in one write if the socket accepts it.
    pub async fn flush(&mut self) -> Result<(), SessionError> {
        self.write(&[]).await
    }

    /// Writes all output and then `bytes`. Large data is not copied into the output first.
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

    /// Closes the connection after the last flush (TLS close_notify, TCP FIN), and waits a moment for the
    /// peer to do the same. Closing a socket with unread input sends a reset (RFC 2525 §2.17), and the peer
    /// would lose the last message, which tells it the reason.
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
        // The peer had its time.
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
