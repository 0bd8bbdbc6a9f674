//! An SMTP server that follows a script: a reply for each stage, or the end of the connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Instructions, one a line: `STAGE reply`. Stages are `CONNECT`, `EHLO`, `AUTH`, `MAIL`, `RCPT`,
/// `RCPT:local-part`, `DATA` (also for BDAT) and `END`, the end of the content. The reply is a line of SMTP;
/// a 421 also closes the connection. `close` closes it without a reply. At all other stages the server
/// accepts.
#[derive(Clone, Default)]
pub(crate) struct Script {
    lines: Vec<(String, String)>,
    extensions: Vec<String>,
    /// Maximum number of concurrent connections; others are ended at this stage or before the greeting.
    pub(crate) at_a_time: Option<usize>,
    pub(crate) too_many_at: String,
    pub(crate) too_many: TooMany,
    /// Close the connection after this many messages.
    pub(crate) messages: Option<usize>,
    /// Answer the content only when this is true.
    pub(crate) hold: Option<watch::Receiver<bool>>,
}

/// How a connection too many is ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum TooMany {
    /// With a 421 reply.
    #[default]
    Reply,
    Close,
    Reset,
}

impl Script {
    pub(crate) fn new(text: &str, extensions: &[&str]) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let lines = lines.map(|line| {
            let (stage, reply) = line.split_once(' ').unwrap();
            (stage.to_owned(), reply.to_owned())
        });
        Self {
            lines: lines.collect(),
            extensions: extensions.iter().map(ToString::to_string).collect(),
            ..Self::default()
        }
    }

    fn at(&self, stage: &str) -> Option<&str> {
        let mut lines = self.lines.iter();
        let found = lines.find(|(at, _)| at == stage);
        found.map(|(_, reply)| reply.as_str())
    }
}

/// A scripted server. It ends with the test.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    script: Script,
    /// Recipients of each accepted message.
    taken: Arc<Mutex<Vec<Vec<String>>>>,
    /// Number of connections so far, and of open ones.
    connections: watch::Sender<(usize, usize)>,
}

/// The connection is to be closed.
struct Closed;

impl From<std::io::Error> for Closed {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

impl Scripted {
    pub(crate) async fn start(script: Script) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), script).await
    }

    pub(crate) async fn start_at(address: SocketAddr, script: Script) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            script,
            taken: Arc::default(),
            connections: watch::Sender::new((0, 0)),
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = accepting.clone();
                tokio::spawn(async move {
                    server.connections.send_modify(|(had, has)| {
                        *had += 1;
                        *has += 1;
                    });
                    // A client that closes its connection is no failure of the test.
                    let _ = server.serve(socket).await;
                    server.connections.send_modify(|(_, has)| *has -= 1);
                });
            }
        });
        server
    }

    /// Recipients of each accepted message, by local part.
    pub(crate) fn taken(&self) -> Vec<Vec<String>> {
        self.taken.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.borrow().0
    }

    async fn serve(&self, socket: TcpStream) -> Result<(), Closed> {
        let mut stream = BufStream::new(socket);
        let (_, at_a_time) = *self.connections.borrow();
        let too_many = self.script.at_a_time.is_some_and(|most| at_a_time > most);
        let too_many_at = too_many.then_some(&*self.script.too_many_at);
        if too_many_at == Some("") {
            return self.script.too_many.end(&mut stream).await;
        }
        let mut messages = 0;
        self.act(&mut stream, "CONNECT", "220 scripted").await?;
        let mut recipients = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            let verb = line.split(' ').next().unwrap_or_default();
            if too_many_at == Some(verb) {
                return self.script.too_many.end(&mut stream).await;
            }
            match verb {
                "EHLO" if self.script.at("EHLO").is_some() => {
                    self.act(&mut stream, "EHLO", "").await?;
                }
                "EHLO" => {
                    say(&mut stream, "250-scripted").await?;
                    for extension in &self.script.extensions {
                        say(&mut stream, &format!("250-{extension}")).await?;
                    }
                    say(&mut stream, "250 8BITMIME").await?;
                }
                "MAIL" => {
                    recipients.clear();
                    self.act(&mut stream, "MAIL", "250 ok").await?;
                }
                "RCPT" => {
                    let address = line.split(['<', '@']).nth(1).unwrap_or_default();
                    let of_its_own = format!("RCPT:{address}");
                    let stage = match self.script.at(&of_its_own) {
                        Some(_) => &*of_its_own,
                        None => "RCPT",
                    };
                    if self.act(&mut stream, stage, "250 ok").await? {
                        recipients.push(address.to_owned());
                    }
                }
                "DATA" | "BDAT" => {
                    self.content(&mut stream, line, &recipients).await?;
                    messages += 1;
                    if self.script.messages == Some(messages) {
                        return Ok(());
                    }
                }
                "AUTH" => {
                    self.act(&mut stream, "AUTH", "235 ok").await?;
                }
                "QUIT" => return say(&mut stream, "221 bye").await,
                _ => say(&mut stream, "250 ok").await?,
            }
        }
    }

    /// Replies by the script, or with the usual reply. True if the reply is positive.
    async fn act(
        &self,
        stream: &mut BufStream<TcpStream>,
        stage: &str,
        usual: &str,
    ) -> Result<bool, Closed> {
        let reply = match self.script.at(stage) {
            Some("close") => return Err(Closed),
            reply => reply.unwrap_or(usual),
        };
        say(stream, reply).await?;
        if reply.starts_with("421") {
            return Err(Closed);
        }
        Ok(reply.starts_with('2') || reply.starts_with('3'))
    }

    async fn content(
        &self,
        stream: &mut BufStream<TcpStream>,
        line: &str,
        recipients: &[String],
    ) -> Result<(), Closed> {
        if let Some(size) = line.strip_prefix("BDAT ") {
            let size: usize = size.strip_suffix(" LAST").unwrap().parse().unwrap();
            let mut content = vec![0; size];
            tokio::io::AsyncReadExt::read_exact(stream, &mut content).await?;
            if let Some(reply) = self.script.at("DATA") {
                self.act(stream, "DATA", reply).await?;
                return Ok(());
            }
        } else if recipients.is_empty() {
            return say(stream, "503 nobody").await;
        } else {
            if !self.act(stream, "DATA", "354 go on").await? {
                return Ok(());
            }
            loop {
                let mut line = Vec::new();
                stream.read_until(b'\n', &mut line).await?;
                if line == b".\r\n" || line.is_empty() {
                    break;
                }
            }
        }
        if let Some(hold) = &self.script.hold {
            hold.clone().wait_for(|go| *go).await.ok();
        }
        if self.act(stream, "END", "250 taken").await? {
            self.taken.lock().unwrap().push(recipients.to_vec());
        }
        Ok(())
    }
}

impl TooMany {
    async fn end(self, stream: &mut BufStream<TcpStream>) -> Result<(), Closed> {
        match self {
            Self::Reply => say(stream, "421 4.7.0 too many connections").await,
            Self::Close => Ok(()),
            Self::Reset => {
                stream.get_ref().set_zero_linger()?;
                Ok(())
            }
        }
    }
}

async fn say(stream: &mut BufStream<TcpStream>, line: &str) -> Result<(), Closed> {
    stream.write_all(line.as_bytes()).await?;
    stream.write_all(b"\r\n").await?;
    stream.flush().await?;
    Ok(())
}
