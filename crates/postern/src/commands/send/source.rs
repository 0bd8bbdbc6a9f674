//! A message as it is read: lines ended by CRLF, its header section completed.

use std::io::{self, Read};

use message::header::{Address, addresses, fields};
use message::trace::{Received, date, received};
use rules::{EmailAddress, ReversePath};

/// Octets read at a time.
const PIECE: usize = 64 * 1024;

/// What this command adds to a message: who took it in, and when.
pub(super) struct Trace {
    pub(super) hostname: String,
    /// Names this submission in the Received field and in the queue.
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) at: i64,
}

impl Trace {
    pub(super) fn now(hostname: String) -> Self {
        Self {
            hostname,
            id: format!("{:016x}", rand::random::<u64>()),
            at: jiff::Timestamp::now().as_second(),
        }
    }

    pub(super) fn message_id(&self) -> String {
        format!("{}@{}", self.id, self.hostname)
    }

    /// The address that stands in From.
    pub(super) fn author(&self, sender: &ReversePath) -> String {
        match sender {
            ReversePath::Address(address) => address.to_string(),
            ReversePath::Null => format!("MAILER-DAEMON@{}", self.hostname),
        }
    }
}

/// A message whose header section has been read.
pub(super) struct Source {
    /// Complete, with the empty line that ends it.
    header: Vec<u8>,
    /// As it was read, for the recipients that it names.
    given_header: Vec<u8>,
    /// Text that came along with the header section.
    begun: Vec<u8>,
    rest: CrlfReader<Box<dyn Read>>,
}

impl Source {
    /// Reads the header section and completes it (RFC 6409 §8).
    pub(super) fn open(
        input: Box<dyn Read>,
        sender: &ReversePath,
        trace: &Trace,
    ) -> io::Result<Self> {
        let mut rest = CrlfReader::new(input);
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = header_end(&read) {
                break end;
            }
            if read.len() > message::MAX_HEADER {
                let reason = message::ScanError::HeaderTooLarge.to_string();
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
            match rest.next()? {
                Some(piece) => read.extend_from_slice(&piece),
                None => break read.len(),
            }
        };
        let begun = read.split_off(end);
        Ok(Self {
            header: completed(&read, sender, trace),
            given_header: read,
            begun,
            rest,
        })
    }

    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    /// The next piece of the text.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.begun.is_empty() {
            return self.rest.next();
        }
        Ok(Some(std::mem::take(&mut self.begun)))
    }

    /// The addresses in To, Cc and Bcc; the text says which of them is none.
    pub(super) fn recipients(&self) -> Result<Vec<EmailAddress>, String> {
        let mut recipients = Vec::new();
        for field in fields(&self.given_header) {
            if !["To", "Cc", "Bcc"].iter().any(|name| field.is(name)) {
                continue;
            }
            for address in addresses(field.value) {
                let Address::Mailbox(mailbox) = address else {
                    continue;
                };
                let local = String::from_utf8_lossy(&mailbox.local);
                let domain = String::from_utf8_lossy(&mailbox.domain);
                let name = String::from_utf8_lossy(field.name);
                recipients.push(address_of(&local, &domain).map_err(|reason| {
                    format!("{name} names {local}@{domain}, which is no address: {reason}")
                })?);
            }
        }
        Ok(recipients)
    }
}

/// An address from its parts, the local part without quotes.
fn address_of(local: &str, domain: &str) -> Result<EmailAddress, rules::AddressError> {
    EmailAddress::parse(&format!("{local}@{domain}")).or_else(|_| {
        let quoted = local.replace('\\', "\\\\").replace('"', "\\\"");
        EmailAddress::parse(&format!("\"{quoted}\"@{domain}"))
    })
}

/// Where the text starts: behind the first empty line, or before a line that is no field.
fn header_end(read: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = read[at..].windows(2).position(|end| end == b"\r\n") {
        let line = &read[at..at + found];
        if line.is_empty() {
            return Some(at + 2);
        }
        let folded = at > 0 && matches!(line.first(), Some(b' ' | b'\t'));
        if !folded && fields(&read[at..at + found + 2]).next().is_none() {
            return Some(at);
        }
        at += found + 2;
    }
    None
}

/// The header section with what is missing and without Bcc.
fn completed(given: &[u8], sender: &ReversePath, trace: &Trace) -> Vec<u8> {
    let mut header = received(&Received {
        by: &trace.hostname,
        protocol: "local",
        id: &trace.id,
        at: trace.at,
        ..Received::default()
    })
    .into_bytes();
    let missing = |name: &str| !fields(given).any(|field| field.is(name));
    if missing("From") {
        let author = trace.author(sender);
        header.extend_from_slice(format!("From: {author}\r\n").as_bytes());
    }
    if missing("Date") {
        header.extend_from_slice(format!("Date: {}\r\n", date(trace.at)).as_bytes());
    }
    if missing("Message-ID") {
        let id = trace.message_id();
        header.extend_from_slice(format!("Message-ID: <{id}>\r\n").as_bytes());
    }
    for field in fields(given).filter(|field| !field.is("Bcc")) {
        header.extend_from_slice(field.raw);
    }
    header.extend_from_slice(b"\r\n");
    header
}

/// Reads text whose lines end in LF or CRLF as text whose lines end in CRLF. The last line gets
/// its end.
struct CrlfReader<R> {
    input: R,
    after_cr: bool,
    /// Nothing has been read, or a line has just ended.
    at_line_start: bool,
}

impl<R: Read> CrlfReader<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            after_cr: false,
            at_line_start: true,
        }
    }

    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut buffer = vec![0; PIECE];
        let count = loop {
            match self.input.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if count == 0 {
            let ended = std::mem::replace(&mut self.at_line_start, true);
            return Ok((!ended).then(|| b"\r\n".to_vec()));
        }
        let mut piece = Vec::with_capacity(count + count / 32);
        for &byte in &buffer[..count] {
            if byte == b'\n' && !self.after_cr {
                piece.push(b'\r');
            }
            piece.push(byte);
            self.after_cr = byte == b'\r';
        }
        self.at_line_start = piece.ends_with(b"\n");
        Ok(Some(piece))
    }
}

#[cfg(test)]
mod tests;
