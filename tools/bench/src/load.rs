//! The load: SMTP sessions that send as fast as they are answered. One thread drives them all: the client
//! shares the machine with the measured system, so it must be cheap.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::senders::{self, CLIENT, Senders};

/// Time limit for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// The default sender.
const SENDER: &str = "sender@load.test";

/// The end of data.
pub(crate) const END: &[u8] = b".\r\n";

/// The parameters of a load.
pub(crate) struct Load<'a> {
    pub(crate) port: u16,
    pub(crate) messages: usize,
    pub(crate) sessions: usize,
    /// Octets of a message's text.
    pub(crate) size: usize,
    /// Messages in a connection.
    pub(crate) per_connection: usize,
    /// MAIL, RCPT and DATA are sent together (RFC 2920), as servers do.
    pub(crate) pipelined: bool,
    /// The recipient of the n-th message.
    pub(crate) recipient: fn(usize) -> String,
    /// If not empty: the n-th message has the n-th sender ([`senders`]) and the n-th signature.
    pub(crate) signatures: &'a [String],
}

/// Sends the load; returns the seconds until the last message was accepted.
pub(crate) fn send(load: &Load<'_>) -> Result<f64> {
    let text = text(load.size);
    let next = Cell::new(0);
    let start = Instant::now();
    runtime()?.block_on(async {
        let sessions = (0..load.sessions).map(|_| run_session(load, &text, &next));
        futures::future::try_join_all(sessions).await
    })?;
    Ok(start.elapsed().as_secs_f64())
}

impl Load<'_> {
    fn sender(&self, number: usize) -> (String, &str) {
        match self.signatures.len() {
            0 => (SENDER.to_owned(), ""),
            count => (senders::sender(number), &self.signatures[number % count]),
        }
    }
}

/// The signatures for messages of `size` octets to `recipient`.
pub(crate) fn signatures(senders: &Senders, recipient: &str, size: usize) -> Result<Vec<String>> {
    let text = text(size);
    let text = text.strip_suffix(END).unwrap_or(&text);
    senders.sign(|sender| header(sender, recipient), text)
}

/// Whether mail of all senders is accepted: greylisting requires a second attempt.
pub(crate) fn all_are_welcome(port: u16, recipient: &str, senders: usize) -> Result<bool> {
    runtime()?.block_on(async {
        let mut welcome = true;
        for number in 0..senders {
            let mut connection = Connection::open(port).await?;
            let mail = format!("MAIL FROM:<{}>\r\n", senders::sender(number));
            connection.command(&mail, '2').await?;
            let rcpt = format!("RCPT TO:<{recipient}>\r\n");
            connection
                .stream
                .get_mut()
                .write_all(rcpt.as_bytes())
                .await?;
            welcome &= connection.reply().await? == '2';
            connection.quit().await?;
        }
        Ok(welcome)
    })
}

async fn run_session(load: &Load<'_>, text: &[u8], next: &Cell<usize>) -> Result<()> {
    let mut connection: Option<(Connection, usize)> = None;
    loop {
        let number = next.get();
        if number >= load.messages {
            break;
        }
        next.set(number + 1);
        let (mut session, used) = match connection.take() {
            Some(open) => open,
            None => (Connection::open(load.port).await?, 0),
        };
        let recipients = [(load.recipient)(number)];
        let (sender, signature) = load.sender(number);
        let data = whole(signature, &sender, &recipients[0], number, text);
        session
            .send(&sender, &recipients, &data, load.pipelined)
            .await?;
        if used + 1 < load.per_connection {
            connection = Some((session, used + 1));
        } else {
            session.quit().await?;
        }
    }
    match connection {
        Some((session, _)) => session.quit().await,
        None => Ok(()),
    }
}

/// One SMTP connection for single messages.
pub(crate) struct Session {
    runtime: Runtime,
    connection: Connection,
}

impl Session {
    /// Connects and says EHLO.
    pub(crate) fn open(port: u16) -> Result<Self> {
        let runtime = runtime()?;
        let connection = runtime.block_on(Connection::open(port))?;
        Ok(Self {
            runtime,
            connection,
        })
    }

    /// Sends one message, dot-stuffed and ended already.
    pub(crate) fn send(&mut self, recipients: &[String], data: &[u8]) -> Result<()> {
        self.runtime
            .block_on(self.connection.send(SENDER, recipients, data, false))
    }

    /// Offers a message that must be deferred; an error if it is accepted or refused permanently.
    pub(crate) fn put_off(&mut self) -> Result<()> {
        let command = format!("MAIL FROM:<{SENDER}>\r\n");
        self.runtime
            .block_on(self.connection.command(&command, '4'))
    }

    pub(crate) fn quit(self) -> Result<()> {
        self.runtime.block_on(self.connection.quit())
    }
}

fn runtime() -> Result<Runtime> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    Ok(runtime.enable_all().build()?)
}

struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
}

impl Connection {
    async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        let mut connection = Self {
            stream: BufReader::new(stream),
            line: String::new(),
        };
        connection.expect('2').await?;
        connection
            .command(&format!("EHLO {CLIENT}\r\n"), '2')
            .await?;
        Ok(connection)
    }

    async fn send(
        &mut self,
        sender: &str,
        recipients: &[String],
        data: &[u8],
        pipelined: bool,
    ) -> Result<()> {
        let mut commands = vec![(format!("MAIL FROM:<{sender}>\r\n"), '2')];
        for recipient in recipients {
            commands.push((format!("RCPT TO:<{recipient}>\r\n"), '2'));
        }
        commands.push(("DATA\r\n".to_owned(), '3'));
        if pipelined {
            let all: String = commands
                .iter()
                .map(|(command, _)| command.as_str())
                .collect();
            self.stream.get_mut().write_all(all.as_bytes()).await?;
            for (command, class) in &commands {
                self.expect(*class)
                    .await
                    .with_context(|| trimmed(command))?;
            }
        } else {
            for (command, class) in &commands {
                self.command(command, *class).await?;
            }
        }
        self.stream.get_mut().write_all(data).await?;
        self.expect('2').await
    }

    async fn quit(mut self) -> Result<()> {
        self.command("QUIT\r\n", '2').await
    }

    async fn command(&mut self, command: &str, class: char) -> Result<()> {
        self.stream.get_mut().write_all(command.as_bytes()).await?;
        self.expect(class).await.with_context(|| trimmed(command))
    }

    async fn expect(&mut self, class: char) -> Result<()> {
        if self.reply().await? != class {
            bail!("unexpected reply: {}", self.line.trim_end());
        }
        Ok(())
    }

    /// The class of the next reply.
    async fn reply(&mut self) -> Result<char> {
        loop {
            self.line.clear();
            let read = timeout(ANSWER_TIMEOUT, self.stream.read_line(&mut self.line)).await;
            if read.context("no answer in time")?? == 0 {
                bail!("the server closed the connection");
            }
            if self.line.as_bytes().get(3) != Some(&b'-') {
                return self.line.chars().next().context("an empty reply");
            }
        }
    }
}

fn trimmed(command: &str) -> String {
    command.trim_end().to_owned()
}

/// A message with `size` octets of text in wire form, with the end of data.
pub(crate) fn message(recipient: &str, number: usize, size: usize) -> Vec<u8> {
    whole("", SENDER, recipient, number, &text(size))
}

fn whole(signature: &str, sender: &str, recipient: &str, number: usize, text: &[u8]) -> Vec<u8> {
    let header = header(sender, recipient);
    let process = std::process::id();
    let id = format!("Message-ID: <{number}.{process}@load.test>\r\n\r\n");
    [signature.as_bytes(), header.as_bytes(), id.as_bytes(), text].concat()
}

/// The common part of all messages of a sender, which is signed.
fn header(sender: &str, recipient: &str) -> String {
    format!(
        "From: Sender <{sender}>\r\nTo: <{recipient}>\r\nSubject: load message\r\n\
         Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
    )
}

/// Lines of words with `size` octets, and the end of data.
fn text(size: usize) -> Vec<u8> {
    const WORDS: &[u8] = b"the quick brown fox jumps over a lazy dog and runs on to the next \
        hill where it rests a while before it looks for food again";
    let mut bytes = Vec::with_capacity(size + 80);
    let mut offset: usize = 1;
    while bytes.len() < size {
        let length = (size - bytes.len()).clamp(3, 78) - 2;
        let from = offset % (WORDS.len() - 1);
        bytes.extend(WORDS.iter().cycle().skip(from).take(length));
        bytes.extend_from_slice(b"\r\n");
        offset = offset.wrapping_mul(31).wrapping_add(17);
    }
    bytes.extend_from_slice(END);
    bytes
}
