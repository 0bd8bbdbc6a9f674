//! Commands in two segments, from a client with Nagle's algorithm (RFC 1122 §4.2.3.4), like Python's
//! imaplib and smtplib: the end of a message is written separately, and is sent only after the first
//! segment has been acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{Figure, Measurement};
use crate::load;
use crate::system::{System, user};

/// Octets of a message.
const SIZE: usize = 2_000;

/// After this number the kernel's initial quick acknowledgements of a connection are over.
const WARM_UP: usize = 20;

pub(super) fn segments(system: &dyn System, singles: usize) -> Result<Measurement> {
    let append = appends(system, singles)?;
    let data = messages(system, singles)?;
    let median = |name, waits: Vec<f64>| -> Option<Figure> {
        let mut waits = waits;
        waits.sort_by(f64::total_cmp);
        Some((name, *waits.get(waits.len() / 2)?))
    };
    let figures = [
        median("IMAP APPEND p50 ms", append),
        median("SMTP message p50 ms", data),
    ];
    Ok(Measurement(figures.into_iter().flatten().collect()))
}

/// Milliseconds from the literal of an APPEND to its OK.
fn appends(system: &dyn System, singles: usize) -> Result<Vec<f64>> {
    let mut client = Client::connect(system.imap_port())?;
    client.read()?;
    client.write(&format!("a LOGIN \"{}\" \"pw\"\r\n", user(2)))?;
    client.read_until("a OK")?;
    let text = text(b"");
    let mut waits = Vec::with_capacity(singles);
    for number in 0..WARM_UP + singles {
        client.write(&format!("b APPEND INBOX {{{}}}\r\n", text.len()))?;
        client.read_until("+")?;
        let start = Instant::now();
        client.write(&text)?;
        client.write("\r\n")?;
        client.read_until("b OK")?;
        if number >= WARM_UP {
            waits.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(waits)
}

/// Milliseconds from the text of a message to its 250.
fn messages(system: &dyn System, singles: usize) -> Result<Vec<f64>> {
    let mut client = Client::connect(system.smtp_port())?;
    client.read_until("220 ")?;
    client.write("EHLO client.load.test\r\n")?;
    client.read_until("250 ")?;
    let text = text(load::END);
    let mut waits = Vec::with_capacity(singles);
    for number in 0..WARM_UP + singles {
        client.write("MAIL FROM:<sender@load.test>\r\n")?;
        client.read_until("250 ")?;
        client.write("RCPT TO:<nobody@discard.test>\r\n")?;
        client.read_until("250 ")?;
        client.write("DATA\r\n")?;
        client.read_until("354 ")?;
        let start = Instant::now();
        client.write(&text)?;
        client.write(".\r\n")?;
        client.read_until("250 ")?;
        if number >= WARM_UP {
            waits.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(waits)
}

/// A message without its `end`.
fn text(end: &[u8]) -> String {
    let message = load::message("nobody@discard.test", 1, SIZE);
    let text = message.strip_suffix(end).unwrap_or(&message);
    String::from_utf8_lossy(text).into_owned()
}

/// A plain connection with Nagle's algorithm, the system's default.
struct Client {
    reader: BufReader<TcpStream>,
    line: String,
}

impl Client {
    fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self {
            reader: BufReader::new(stream),
            line: String::new(),
        })
    }

    fn write(&mut self, text: &str) -> Result<()> {
        Ok(self.reader.get_mut().write_all(text.as_bytes())?)
    }

    fn read(&mut self) -> Result<()> {
        self.line.clear();
        if self.reader.read_line(&mut self.line)? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }

    /// Reads lines up to the first that begins with `start`.
    fn read_until(&mut self, start: &str) -> Result<()> {
        loop {
            self.read()?;
            if self.line.starts_with(start) {
                return Ok(());
            }
            if self.line.starts_with(['4', '5']) || self.line.contains(" NO ") {
                bail!("{}", self.line.trim_end());
            }
        }
    }
}
