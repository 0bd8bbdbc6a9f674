//! The load: SMTP sessions that send as fast as they are answered.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How a load looks.
pub(crate) struct Load {
    pub(crate) port: u16,
    pub(crate) messages: usize,
    pub(crate) sessions: usize,
    /// Octets of a message's text.
    pub(crate) size: usize,
    /// Messages a connection.
    pub(crate) per_connection: usize,
    /// Where the n-th message goes.
    pub(crate) recipient: fn(usize) -> String,
}

/// Sends the load; returns the seconds until the last message was accepted.
pub(crate) fn send(load: &Load) -> Result<f64> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..load.sessions {
            scope.spawn(|| {
                if let Err(error) = run_session(load, &next)
                    && let Ok(mut failure) = failure.lock()
                {
                    failure.get_or_insert(error);
                }
            });
        }
    });
    match failure.into_inner() {
        Ok(None) => Ok(start.elapsed().as_secs_f64()),
        Ok(Some(error)) => Err(error),
        Err(_) => bail!("a load session panicked"),
    }
}

fn run_session(load: &Load, next: &AtomicUsize) -> Result<()> {
    let mut connection: Option<(Session, usize)> = None;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= load.messages {
            break;
        }
        let (mut session, used) = match connection.take() {
            Some(open) => open,
            None => (Session::open(load.port)?, 0),
        };
        let recipient = (load.recipient)(number);
        session.send(&recipient, &message(&recipient, number, load.size))?;
        if used + 1 < load.per_connection {
            connection = Some((session, used + 1));
        } else {
            session.quit()?;
        }
    }
    connection.map_or(Ok(()), |(session, _)| session.quit())
}

/// One SMTP connection.
pub(crate) struct Session {
    reader: BufReader<TcpStream>,
    line: String,
}

impl Session {
    /// Connects and says EHLO.
    pub(crate) fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        let mut session = Self {
            reader: BufReader::new(stream),
            line: String::new(),
        };
        session.expect('2')?;
        session.command("EHLO load.test\r\n", '2')?;
        Ok(session)
    }

    /// Sends one message, dot-stuffed and ended already.
    pub(crate) fn send(&mut self, recipient: &str, data: &[u8]) -> Result<()> {
        self.command("MAIL FROM:<sender@load.test>\r\n", '2')?;
        self.command(&format!("RCPT TO:<{recipient}>\r\n"), '2')?;
        self.command("DATA\r\n", '3')?;
        self.reader.get_mut().write_all(data)?;
        self.expect('2')
    }

    /// Sends one message to many recipients.
    pub(crate) fn send_to_all(&mut self, recipients: &[String], data: &[u8]) -> Result<()> {
        self.command("MAIL FROM:<sender@load.test>\r\n", '2')?;
        for recipient in recipients {
            self.command(&format!("RCPT TO:<{recipient}>\r\n"), '2')?;
        }
        self.command("DATA\r\n", '3')?;
        self.reader.get_mut().write_all(data)?;
        self.expect('2')
    }

    pub(crate) fn quit(mut self) -> Result<()> {
        self.command("QUIT\r\n", '2')
    }

    fn command(&mut self, command: &str, class: char) -> Result<()> {
        self.reader.get_mut().write_all(command.as_bytes())?;
        self.expect(class)
            .with_context(|| command.trim_end().to_owned())
    }

    fn expect(&mut self, class: char) -> Result<()> {
        loop {
            self.line.clear();
            if self.reader.read_line(&mut self.line)? == 0 {
                bail!("the server closed the connection");
            }
            if self.line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
        if !self.line.starts_with(class) {
            bail!("unexpected reply: {}", self.line.trim_end());
        }
        Ok(())
    }
}

/// A message of `size` octets of text as it goes over the wire, end of data included.
pub(crate) fn message(recipient: &str, number: usize, size: usize) -> Vec<u8> {
    const WORDS: &[u8] = b"the quick brown fox jumps over a lazy dog and runs on to the next \
        hill where it rests a while before it looks for food again";
    let mut bytes = format!(
        "From: Sender <sender@load.test>\r\nTo: <{recipient}>\r\nSubject: load message {number}\r\n\
         Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n\
         Message-ID: <{number}.{}@load.test>\r\n\r\n",
        std::process::id()
    )
    .into_bytes();
    let end = bytes.len() + size;
    let mut offset = number;
    while bytes.len() < end {
        let length = (end - bytes.len()).clamp(3, 78) - 2;
        let from = offset % (WORDS.len() - 1);
        let line = WORDS.iter().cycle().skip(from).take(length);
        bytes.extend(line.map(|&octet| if octet == b'.' { b',' } else { octet }));
        bytes.extend_from_slice(b"\r\n");
        offset = offset.wrapping_mul(31).wrapping_add(17);
    }
    bytes.extend_from_slice(b".\r\n");
    bytes
}
