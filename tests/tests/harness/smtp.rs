//! An SMTP client that sends exactly what a case needs, right or wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// A reply: its code and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub text: String,
}

/// A connection.
#[derive(Debug)]
pub struct Smtp {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Smtp {
    /// Connects and reads the greeting.
    pub fn connect(address: SocketAddr) -> std::io::Result<(Self, Reply)> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_write_timeout(Some(Duration::from_secs(60)))?;
        let mut smtp = Self {
            stream,
            unread: Vec::new(),
        };
        let greeting = smtp.reply()?;
        Ok((smtp, greeting))
    }

    /// Connects, and sends EHLO to a server that is ready.
    pub fn hello(address: SocketAddr) -> std::io::Result<Self> {
        let (mut smtp, greeting) = Self::connect(address)?;
        refuse_unless(greeting, 220)?;
        let reply = smtp.command("EHLO client.test")?;
        refuse_unless(reply, 250)?;
        Ok(smtp)
    }

    /// Sends octets unchanged.
    pub fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a line and reads the reply.
    pub fn command(&mut self, line: &str) -> std::io::Result<Reply> {
        self.raw(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    /// Reads one reply.
    pub fn reply(&mut self) -> std::io::Result<Reply> {
        let mut text = String::new();
        loop {
            let line = self.line()?;
            text.push_str(&line);
            text.push('\n');
            let code = line.get(..3).and_then(|digits| digits.parse().ok());
            let Some(code) = code else {
                return Err(std::io::Error::other(format!("not a reply: {line:?}")));
            };
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, text });
            }
        }
    }

    fn line(&mut self) -> std::io::Result<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer)? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                length => self.unread.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// Sends a whole message; returns the decisive reply.
    pub fn send(&mut self, from: &str, to: &[&str], message: &[u8]) -> std::io::Result<Reply> {
        let path = |address: &&str| format!("<{address}>");
        let to: Vec<String> = to.iter().map(path).collect();
        self.send_by(&path(&from), &to, message)
    }

    /// The same with the full arguments of `MAIL FROM:` and each `RCPT TO:`, parameters included.
    pub fn send_by(&mut self, from: &str, to: &[String], message: &[u8]) -> std::io::Result<Reply> {
        let reply = self.command(&format!("MAIL FROM:{from}"))?;
        if reply.code != 250 {
            return Ok(reply);
        }
        for recipient in to {
            let reply = self.command(&format!("RCPT TO:{recipient}"))?;
            if reply.code != 250 {
                return Ok(reply);
            }
        }
        let reply = self.command("DATA")?;
        if reply.code != 354 {
            return Ok(reply);
        }
        self.raw(&stuffed(message))?;
        self.reply()
    }

    /// Ends the client's side; the server may still reply.
    pub fn half_close(&mut self) -> std::io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Whether the server has closed the connection after its replies.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

fn refuse_unless(reply: Reply, code: u16) -> std::io::Result<()> {
    if reply.code == code {
        return Ok(());
    }
    Err(std::io::Error::other(format!(
        "wanted {code}, got {}",
        reply.text
    )))
}

/// Adds dot-stuffing and the final dot (RFC 5321 §4.5.2). The message ends with CRLF.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if line.first() == Some(&b'.') {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    wire.extend_from_slice(b".\r\n");
    wire
}
