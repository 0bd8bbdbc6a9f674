//! A message being read: lines end with CRLF, the header section is completed.

use std::io::{self, Read};

use mail_builder::headers::Header as _;
use mail_builder::headers::address::Address as MailAddress;
use message::header::{Address, Field, addresses, fields};
use message::trace::{MAX_HOPS, Received, date, hops, received};
use rules::{Domain, EmailAddress, Host, ReversePath};

use crate::Error;

/// Octets read at a time.
const PIECE: usize = 64 * 1024;

/// The trace of a submission: its component and its time.
pub(crate) struct Trace {
    pub(super) hostname: String,
    /// The author's name for a message without From.
    pub(super) full_name: Option<String>,
    /// The submission's id in the Received field and in the queue.
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) at: i64,
}

impl Trace {
    pub(super) fn now(hostname: String, full_name: Option<String>) -> Self {
        Self {
            hostname,
            full_name,
            id: format!("{:016X}", rand::random::<u64>()),
            at: jiff::Timestamp::now().as_second(),
        }
    }

    pub(super) fn message_id(&self) -> String {
        format!("{}@{}", self.id, self.hostname)
    }

    /// The address for From.
    pub(super) fn author(&self, sender: &ReversePath) -> String {
        match sender {
            ReversePath::Address(address) => address.to_string(),
            ReversePath::Null => format!("MAILER-DAEMON@{}", self.hostname),
        }
    }

    /// The field From.
    fn from(&self, sender: &ReversePath) -> Vec<u8> {
        let author = self.author(sender);
        let mut field = b"From: ".to_vec();
        match &self.full_name {
            None => field.extend_from_slice(format!("{author}\r\n").as_bytes()),
            Some(name) => {
                let name: String = name.chars().filter(|c| !c.is_control()).collect();
                let column = field.len();
                MailAddress::new_address(Some(name), author).write_header(&mut field, column);
            }
        }
        field
    }
}

/// A message whose header section has been read and completed.
pub struct Source {
    /// Complete, including the final empty line.
    header: Vec<u8>,
    /// As read, for the recipients in it.
    given_header: Vec<u8>,
    /// Text that was read together with the header section.
    begun: Vec<u8>,
    rest: CrlfReader<Box<dyn Read + Send>>,
}

impl Source {
    /// Reads the header section and completes it (RFC 6409 §8).
    pub(super) fn open(
        input: Box<dyn Read + Send>,
        sender: &ReversePath,
        trace: &Trace,
    ) -> io::Result<Self> {
        let mut rest = CrlfReader::new(input);
        let mut read = Vec::new();
        let mut begun = false;
        let end = loop {
            begun = begun || drop_separator(&mut read);
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
        if hops(&read) >= MAX_HOPS {
            let reason = "the message has been passed on too often: it goes round in a circle";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
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

    /// The addresses in To, Cc and Bcc, or those of a resent message (RFC 5322 §3.6.6). An address without
    /// a domain belongs to `origin`.
    ///
    /// # Errors
    /// If an address cannot be parsed.
    pub fn recipients(&self, origin: Option<&Domain>) -> Result<Vec<EmailAddress>, Error> {
        const RESENT: [&str; 3] = ["Resent-To", "Resent-Cc", "Resent-Bcc"];
        let named = |names: &[&str]| {
            let of_these = |field: &Field<'_>| names.iter().any(|name| field.is(name));
            fields(&self.given_header)
                .filter(of_these)
                .collect::<Vec<_>>()
        };
        let mut found = named(&RESENT);
        if found.is_empty() {
            found = named(&["To", "Cc", "Bcc"]);
        }
        let mut recipients = Vec::new();
        for field in found {
            let addresses = listed(field.value, origin);
            let name = String::from_utf8_lossy(field.name);
            let addresses =
                addresses.map_err(|reason| Error::Unreadable(format!("{name} names {reason}")));
            recipients.extend(addresses?);
        }
        Ok(recipients)
    }
}

/// The addresses of a list in header syntax. An address without a domain belongs to `origin`.
///
/// # Errors
/// The invalid entry.
pub fn listed(list: &[u8], origin: Option<&Domain>) -> Result<Vec<EmailAddress>, String> {
    let mailboxes = addresses(list)
        .into_iter()
        .filter_map(|address| match address {
            Address::Mailbox(mailbox) => Some(mailbox),
            Address::GroupStart(_) | Address::GroupEnd => None,
        });
    let parsed = mailboxes.map(|mailbox| {
        let local = String::from_utf8_lossy(&mailbox.local);
        let mut domain = String::from_utf8_lossy(&mailbox.domain).into_owned();
        // Lists for display are parsed leniently; recipients of mail are not guessed.
        if let Some(other) = mailbox.others.first() {
            let second = String::from_utf8_lossy(&other.local);
            let at = String::from_utf8_lossy(&other.domain);
            return Err(format!(
                "both {local}@{domain} and {second}@{at} without a comma between them"
            ));
        }
        if let (true, Some(origin)) = (domain.is_empty(), origin) {
            domain = origin.to_string();
        }
        address_of(&local, &domain)
            .map_err(|reason| format!("{local}@{domain}, which is no address: {reason}"))
    });
    parsed.collect()
}

fn address_of(local: &str, domain: &str) -> Result<EmailAddress, rules::AddressError> {
    let host = Host::parse_written(domain)?;
    EmailAddress::of_unquoted(local, host)
}

/// Drops the line `From bob Tue Nov 24 ...` that starts messages in files; returns whether the first line
/// is complete. `From : bob@example.test` is no such line, but a field with a blank before its colon (RFC
/// 5322 §4.5), which the server accepts too.
pub(crate) fn drop_separator(read: &mut Vec<u8>) -> bool {
    let Some(end) = read.windows(2).position(|end| end == b"\r\n") else {
        return false;
    };
    let first = &read[..end + 2];
    let separates = first.starts_with(b"From ") || first.starts_with(b">From ");
    if separates && fields(first).next().is_none() {
        read.drain(..end + 2);
    }
    true
}

/// The start of the text: after the first empty line, or before the first line that is no field.
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

/// The header section with missing fields added and Bcc removed.
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
        header.extend_from_slice(&trace.from(sender));
    }
    if missing("Date") {
        header.extend_from_slice(format!("Date: {}\r\n", date(trace.at)).as_bytes());
    }
    if missing("Message-ID") {
        let id = trace.message_id();
        header.extend_from_slice(format!("Message-ID: <{id}>\r\n").as_bytes());
    }
    for field in fields(given).filter(|field| !hidden(field)) {
        header.extend_from_slice(field.raw);
    }
    header.extend_from_slice(b"\r\n");
    header
}

/// Recipients that the others must not see.
fn hidden(field: &Field<'_>) -> bool {
    field.is("Bcc") || field.is("Resent-Bcc")
}

/// Converts line ends from LF or CRLF to CRLF. The last line gets one too.
pub(crate) struct CrlfReader<R> {
    input: R,
    after_cr: bool,
    /// At the start of the input or after a line end.
    at_line_start: bool,
}

impl<R: Read> CrlfReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            after_cr: false,
            at_line_start: true,
        }
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
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
