//! An SMTP server with configurable behaviour, which keeps the messages it accepts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use test_kit::TestCertificate;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::io::{AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// An accepted message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) mail: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) content: Vec<u8>,
    pub(crate) tls: bool,
    /// Number of its connection.
    pub(crate) connection: usize,
}

/// The server's behaviour.
#[derive(Clone, Default)]
pub(crate) struct Manner {
    /// Lines of its EHLO reply.
    pub(crate) extensions: Vec<&'static str>,
    /// Certificate for STARTTLS.
    pub(crate) certificate: Option<Arc<TestCertificate>>,
    /// Accept connections and stay silent.
    pub(crate) silent: bool,
    /// Greeting instead of 220.
    pub(crate) greeting: Option<&'static str>,
    /// Close the connection after this many messages.
    pub(crate) messages: Option<usize>,
    /// Recipients accepted per transaction; 452 for more.
    pub(crate) recipients: Option<usize>,
    /// Answer the content only when this is true.
    pub(crate) hold: Option<watch::Receiver<bool>>,
}

/// A server that keeps messages. It ends with the test.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    manner: Manner,
    taken: Arc<Mutex<Vec<Taken>>>,
    connections: watch::Sender<usize>,
    /// Changes when a message has arrived, answered or not.
    pub(crate) arrived: watch::Sender<usize>,
}

impl Sink {
    pub(crate) async fn start(manner: Manner) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), manner).await
    }

    pub(crate) async fn start_at(address: SocketAddr, manner: Manner) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let sink = Self {
            address: listener.local_addr().unwrap(),
            manner,
            taken: Arc::default(),
            connections: watch::Sender::new(0),
            arrived: watch::Sender::new(0),
        };
        let accepting = sink.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let sink = accepting.clone();
                // A client that closes its connection is no failure of the test.
                tokio::spawn(async move { sink.serve(socket).await.ok() });
            }
        });
        sink
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// Waits until it has had this many connections.
    pub(crate) async fn connected(&self, times: usize) {
        let mut connections = self.connections.subscribe();
        connections.wait_for(|had| *had >= times).await.unwrap();
    }

    async fn serve(&self, socket: TcpStream) -> std::io::Result<()> {
        let mut connection = 0;
        self.connections.send_modify(|had| {
            *had += 1;
            connection = *had;
        });
        let mut stream = BufStream::new(socket);
        if self.manner.silent {
            return stream.read_u8().await.map(drop);
        }
        if let Some(greeting) = self.manner.greeting {
            say(&mut stream, greeting).await?;
            return Ok(());
        }
        say(&mut stream, "220 sink").await?;
        if self.talk(&mut stream, false, connection).await? {
            let certificate = self.manner.certificate.as_ref().unwrap();
            let acceptor = tokio_rustls::TlsAcceptor::from(certificate.server_config());
            let stream = acceptor.accept(stream.into_inner()).await?;
            self.talk(&mut BufStream::new(stream), true, connection)
                .await?;
        }
        Ok(())
    }

    /// True if the client sent STARTTLS.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufStream<S>,
        tls: bool,
        connection: usize,
    ) -> std::io::Result<bool> {
        let mut taken = Taken::default();
        let mut messages = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(false);
            }
            let line = line.trim_end();
            let verb = line.split(' ').next().unwrap_or_default().to_owned();
            match verb.as_str() {
                "EHLO" => self.hello(stream, tls).await?,
                "STARTTLS" => {
                    say(stream, "220 go ahead").await?;
                    return Ok(true);
                }
                "AUTH" if line == "AUTH PLAIN AG9mZmljZQBzZWNyZXQ=" => {
                    say(stream, "235 2.7.0 welcome").await?;
                }
                "AUTH" => say(stream, "535 5.7.8 no").await?,
                "MAIL" => {
                    taken = Taken {
                        mail: line.to_owned(),
                        tls,
                        connection,
                        ..Taken::default()
                    };
                    say(stream, "250 2.1.0 ok").await?;
                }
                "RCPT" => {
                    let reply = self.recipient(line, &mut taken);
                    say(stream, reply).await?;
                }
                "DATA" | "BDAT" => {
                    taken.content = content(stream, line).await?;
                    messages += 1;
                    self.answer(stream, &taken).await?;
                    if self.manner.messages == Some(messages) {
                        return Ok(false);
                    }
                }
                "QUIT" => {
                    say(stream, "221 bye").await?;
                    return Ok(false);
                }
                _ => say(stream, "250 ok").await?,
            }
        }
    }

    async fn hello<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufStream<S>,
        tls: bool,
    ) -> std::io::Result<()> {
        say(stream, "250-sink").await?;
        for extension in &self.manner.extensions {
            say(stream, &format!("250-{extension}")).await?;
        }
        if self.manner.certificate.is_some() && !tls {
            say(stream, "250-STARTTLS").await?;
        }
        say(stream, "250 8BITMIME").await
    }

    fn recipient(&self, line: &str, taken: &mut Taken) -> &'static str {
        if line.contains("<refused@") {
            return "550 5.1.1 no such user";
        }
        if line.contains("<later@") {
            return "450 4.2.1 later";
        }
        if self.manner.recipients == Some(taken.recipients.len()) {
            return "452 4.5.3 too many";
        }
        taken.recipients.push(line.to_owned());
        "250 2.1.5 ok"
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufStream<S>,
        taken: &Taken,
    ) -> std::io::Result<()> {
        self.taken.lock().unwrap().push(taken.clone());
        self.arrived.send_modify(|count| *count += 1);
        if let Some(hold) = &self.manner.hold {
            hold.clone().wait_for(|go| *go).await.ok();
        }
        say(stream, "250 2.0.0 taken").await
    }
}

async fn content<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufStream<S>,
    line: &str,
) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if let Some(size) = line.strip_prefix("BDAT ") {
        let size: usize = size.strip_suffix(" LAST").unwrap().parse().unwrap();
        content.resize(size, 0);
        stream.read_exact(&mut content).await?;
        return Ok(content);
    }
    say(stream, "354 go on").await?;
    loop {
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).await?;
        if line == b".\r\n" || line.is_empty() {
            return Ok(content);
        }
        content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufStream<S>,
    line: &str,
) -> std::io::Result<()> {
    stream.write_all(line.as_bytes()).await?;
    stream.write_all(b"\r\n").await?;
    stream.flush().await
}
