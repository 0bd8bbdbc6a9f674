//! Trace header fields (RFC 5321 §4.4): complete lines with CRLF, to be placed before a message.

use std::fmt::Write as _;
use std::net::IpAddr;

use bytes::Bytes;

use crate::header::fields;
use crate::shown::is_command;

#[cfg(test)]
mod tests;

/// Maximum number of Received fields, including our own; a message with more is in a loop (RFC 5321 §6.3
/// requires a limit of at least 100). The same limit applies to accepting and to relaying: an accepted
/// message is never returned for it.
pub const MAX_HOPS: usize = 100;

/// Lines are folded at this length (RFC 5322 §2.1.1).
const FOLD_AT: usize = 78;

/// The values of a Received field.
#[derive(Debug, Clone, Default)]
pub struct Received<'a> {
    /// The client's name in EHLO.
    pub helo: &'a str,
    /// The client's address; `None` for mail without a network connection.
    pub peer: Option<IpAddr>,
    /// The peer's confirmed reverse DNS name, if it was looked up.
    pub peer_name: Option<&'a str>,
    /// This host.
    pub by: &'a str,
    /// `ESMTP`, `ESMTPS`, `ESMTPSA`, `UTF8SMTP`… (RFC 3848, RFC 6531).
    pub protocol: &'a str,
    /// TLS version and cipher suite.
    pub tls: Option<&'a str>,
    /// The queue id.
    pub id: &'a str,
    /// The recipient, if there is exactly one: recipients must not learn of each other.
    pub recipient: Option<&'a str>,
    /// MT-PRIORITY, if given (RFC 6710 §7).
    pub priority: Option<i8>,
    /// Seconds since 1970.
    pub at: i64,
}

/// Writes a Received field.
#[must_use]
pub fn received(facts: &Received<'_>) -> String {
    let mut line = Folded::new("Received:");
    if !facts.helo.is_empty() || facts.peer.is_some() {
        let helo = if facts.helo.is_empty() {
            "unknown"
        } else {
            facts.helo
        };
        line.word(&format!("from {}", clean(helo)));
        if let Some(peer) = facts.peer {
            let name = facts.peer_name.map(|name| format!("{} ", clean(name)));
            line.word(&format!(
                "({}{})",
                name.unwrap_or_default(),
                address_literal(peer)
            ));
        }
    }
    line.word(&format!("by {}", clean(facts.by)));
    line.word(&format!("with {}", clean(facts.protocol)));
    if let Some(tls) = facts.tls {
        line.word(&format!("({})", clean_text(tls)));
    }
    line.word(&format!("id {}", clean(facts.id)));
    if let Some(recipient) = facts.recipient {
        line.word(&format!("for <{}>", clean_text(recipient)));
    }
    if let Some(priority) = facts.priority {
        line.word(&format!("PRIORITY {priority}"));
    }
    line.text.push(';');
    line.width += 1;
    line.word(&date(facts.at));
    line.finish()
}

/// Writes a Return-Path field; the null reverse-path is empty.
#[must_use]
pub fn return_path(reverse_path: &str) -> String {
    format!("Return-Path: <{}>\r\n", clean_text(reverse_path))
}

/// Writes a Delivered-To field.
#[must_use]
pub fn delivered_to(recipient: &str) -> String {
    format!("Delivered-To: {}\r\n", clean_text(recipient))
}

/// The prefix of a body in a mailbox (invariant I12): the fields for one recipient, then those of its
/// message.
#[must_use]
pub fn prefix(reverse_path: &str, recipient: &str, fields: &[u8]) -> Bytes {
    let text = return_path(reverse_path) + &delivered_to(recipient);
    [text.as_bytes(), fields].concat().into()
}

/// The number of hops so far: its Received fields (RFC 5321 §6.3). See [`MAX_HOPS`].
#[must_use]
pub fn hops(header: &[u8]) -> usize {
    fields(header).filter(|field| field.is("Received")).count()
}

/// A date for header fields (RFC 5322 §3.3), in UTC.
#[must_use]
pub fn date(at: i64) -> String {
    let timestamp = jiff::Timestamp::from_second(at).unwrap_or_default();
    let zoned = timestamp.to_zoned(jiff::tz::TimeZone::UTC);
    jiff::fmt::rfc2822::to_string(&zoned).unwrap_or_default()
}

/// RFC 5321 §4.1.3.
fn address_literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

/// A word from outside, without characters that break the field's syntax.
fn clean(word: &str) -> String {
    word.chars()
        .take(255)
        .map(|character| match character {
            '(' | ')' | '<' | '>' | ';' | '"' | '\\' | ',' | '@' => '?',
            _ if character.is_whitespace() || is_command(character) => '?',
            _ => character,
        })
        .collect()
}

/// Text from outside, on one line.
fn clean_text(text: &str) -> String {
    text.chars()
        .filter(|character| !is_command(*character))
        .collect()
}

/// A field folded between words.
struct Folded {
    text: String,
    width: usize,
}

impl Folded {
    fn new(name: &str) -> Self {
        Self {
            text: name.to_owned(),
            width: name.len(),
        }
    }

    fn word(&mut self, word: &str) {
        // One octet is reserved for the semicolon.
        if self.width + 1 + word.len() >= FOLD_AT {
            self.text.push_str("\r\n");
            self.width = 0;
        }
        // Writing to a String does not fail.
        let _ = write!(self.text, " {word}");
        self.width += 1 + word.len();
    }

    fn finish(mut self) -> String {
        self.text.push_str("\r\n");
        self.text
    }
}
