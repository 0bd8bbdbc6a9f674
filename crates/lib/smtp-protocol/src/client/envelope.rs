//! MAIL and RCPT with the parameters that a server supports.

use std::fmt::Write as _;

use super::Extensions;
use crate::{ByMode, DeliverBy, Reply};

/// The part of a message that a failure notice returns (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnContent {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// A message's envelope. Strings contain no control characters: they have been parsed.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    /// Without angle brackets; empty for `<>`.
    pub reverse_path: String,
    /// At least one.
    pub recipients: Vec<Recipient>,
    /// Octets of the content.
    pub size: u64,
    /// The content has octets above 127.
    pub eight_bit: bool,
    /// The content has lines of any length, NUL or bare CR or LF (RFC 3030).
    pub binary: bool,
    /// An address or the header needs SMTPUTF8.
    pub smtputf8: bool,
    /// It may be relayed only over TLS (RFC 8689).
    pub require_tls: bool,
    /// RET, if given.
    pub return_content: Option<ReturnContent>,
    /// ENVID as xtext; empty if not given.
    pub envelope_id: String,
    /// BY: the remaining time (RFC 2852).
    pub deliver_by: Option<DeliverBy>,
    /// MT-PRIORITY, -9 to 9 (RFC 6710).
    pub priority: i8,
}

/// A recipient.
#[derive(Debug, Clone, Default)]
pub struct Recipient {
    /// Without angle brackets.
    pub address: String,
    /// NOTIFY: bits 1 success, 2 failure, 4 delay, 8 never; 0 if not given.
    pub notify: u32,
    /// ORCPT as xtext (`rfc822;…`); empty if not given.
    pub original: String,
}

impl Envelope {
    /// The reason why this server cannot accept the message, found before any command.
    pub(super) fn misfit(&self, extensions: &Extensions, tls: bool) -> Option<Reply> {
        if self.require_tls && !(tls && extensions.require_tls) {
            return Some(Reply::new(
                550,
                7,
                30,
                "REQUIRETLS is asked for, and the server does not offer it",
            ));
        }
        if self.smtputf8 && !extensions.smtputf8 {
            return Some(Reply::new(
                550,
                6,
                7,
                "The message needs SMTPUTF8, and the server does not offer it",
            ));
        }
        if self.binary && !(extensions.binary_mime && extensions.chunking) {
            return Some(Reply::new(
                554,
                6,
                1,
                "The message is binary, and the server does not take such",
            ));
        }
        if let Some(reply) = self.untimely(extensions) {
            return Some(reply);
        }
        if extensions.max_size.is_some_and(|max| self.size > max) {
            return Some(Reply::new(
                552,
                3,
                4,
                "The message is larger than the server takes",
            ));
        }
        None
    }

    /// RFC 2852 §4.1.4.1: a message with by-mode R is sent only to servers that support it and can meet the
    /// time.
    fn untimely(&self, extensions: &Extensions) -> Option<Reply> {
        let by = self.deliver_by.filter(|by| by.mode == ByMode::Return)?;
        match extensions.deliver_by {
            None => Some(Reply::new(
                550,
                3,
                3,
                "The message is to be returned when it is late, and the server does not offer DELIVERBY",
            )),
            Some(least) if i64::from(least) > i64::from(by.seconds) => Some(Reply::new(
                550,
                4,
                7,
                "The server needs more time than is left to deliver the message",
            )),
            Some(_) => None,
        }
    }

    /// The MAIL command. 8-bit content is sent undeclared to servers without 8BITMIME: all of them accept
    /// it, and the alternative would be to return the message.
    pub(super) fn mail(&self, extensions: &Extensions) -> String {
        let mut line = format!("MAIL FROM:<{}>", self.reverse_path);
        // Writing to a String does not fail.
        if extensions.size {
            let _ = write!(line, " SIZE={}", self.size);
        }
        if self.binary {
            line.push_str(" BODY=BINARYMIME");
        } else if self.eight_bit && extensions.eight_bit_mime {
            line.push_str(" BODY=8BITMIME");
        }
        if self.smtputf8 {
            line.push_str(" SMTPUTF8");
        }
        if self.require_tls {
            line.push_str(" REQUIRETLS");
        }
        if extensions.dsn {
            match self.return_content {
                Some(ReturnContent::Full) => line.push_str(" RET=FULL"),
                Some(ReturnContent::Headers) => line.push_str(" RET=HDRS"),
                None => {}
            }
            if !self.envelope_id.is_empty() {
                let _ = write!(line, " ENVID={}", self.envelope_id);
            }
        }
        if extensions.deliver_by.is_some()
            && let Some(by) = self.deliver_by
        {
            let _ = write!(line, " BY={by}");
        }
        // RFC 6710 §4.2: also sent for priority 0.
        if extensions.priority {
            let _ = write!(line, " MT-PRIORITY={}", self.priority);
        }
        line.push_str("\r\n");
        line
    }
}

impl Recipient {
    /// The RCPT command.
    pub(super) fn rcpt(&self, extensions: &Extensions) -> String {
        let mut line = format!("RCPT TO:<{}>", self.address);
        if extensions.dsn {
            self.notify(&mut line);
            if !self.original.is_empty() {
                let _ = write!(line, " ORCPT={}", self.original);
            }
        }
        line.push_str("\r\n");
        line
    }

    fn notify(&self, line: &mut String) {
        const WORDS: [(u32, &str); 3] = [(1, "SUCCESS"), (2, "FAILURE"), (4, "DELAY")];
        if self.notify & 8 != 0 {
            line.push_str(" NOTIFY=NEVER");
            return;
        }
        let mut separator = " NOTIFY=";
        for (bit, word) in WORDS {
            if self.notify & bit != 0 {
                line.push_str(separator);
                line.push_str(word);
                separator = ",";
            }
        }
    }
}
