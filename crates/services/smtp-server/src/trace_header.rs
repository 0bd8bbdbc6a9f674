//! The header fields that this server adds: Received, first of all (RFC 5321 §4.4), and on
//! submission what a message lacks (RFC 6409 §8.2, §8.3).

use std::net::IpAddr;

use memchr::memmem;
use message::header::fields;
use message::trace;
use session_io::TlsFacts;

/// What is said of a message's way here.
pub(crate) struct Hop<'a> {
    pub(crate) hello: &'a smtp_protocol::server::Hello,
    pub(crate) peer: IpAddr,
    pub(crate) hostname: &'a str,
    pub(crate) tls: Option<&'a TlsFacts>,
    pub(crate) authenticated: bool,
    pub(crate) smtputf8: bool,
    pub(crate) id: &'a str,
    /// When it is the only one.
    pub(crate) recipient: Option<&'a str>,
    /// Seconds since 1970.
    pub(crate) at: i64,
}

impl Hop<'_> {
    /// The Received field.
    pub(crate) fn received(&self) -> String {
        let tls = self.tls.map(|tls| {
            // rustls names TLS 1.3's suites otherwise than RFC 8446 does.
            let cipher = tls.cipher.replacen("TLS13_", "TLS_", 1);
            format!("{} {cipher}", tls.version)
        });
        trace::received(&trace::Received {
            helo: &self.hello.name,
            peer: Some(self.peer),
            peer_name: None,
            by: self.hostname,
            protocol: self.protocol(),
            tls: tls.as_deref(),
            id: self.id,
            recipient: self.recipient,
            at: self.at,
        })
    }

    /// RFC 3848 and RFC 6531 §4.3.
    fn protocol(&self) -> &'static str {
        match (self.smtputf8, self.tls.is_some(), self.authenticated) {
            (true, true, true) => "UTF8SMTPSA",
            (true, true, false) => "UTF8SMTPS",
            (true, false, true) => "UTF8SMTPA",
            (true, false, false) => "UTF8SMTP",
            (false, true, true) => "ESMTPSA",
            (false, true, false) => "ESMTPS",
            (false, false, true) => "ESMTPA",
            (false, false, false) if self.hello.extended => "ESMTP",
            (false, false, false) => "SMTP",
        }
    }
}

/// Holds a header section back until it is complete, then puts the missing fields of a submission
/// in front of it.
pub(crate) struct HeldHeader {
    held: Vec<u8>,
    /// Of a submission: the Message-ID and the date that it gets.
    missing: Option<(String, i64)>,
}

impl HeldHeader {
    /// Of a message whose fields are only looked at.
    pub(crate) fn new() -> Self {
        Self {
            held: Vec::with_capacity(2048),
            missing: None,
        }
    }

    /// Of a submission: the Message-ID, should there be none, is made of the session's id.
    pub(crate) fn of_submission(id: &str, hostname: &str, at: i64) -> Self {
        Self {
            missing: Some((format!("{id}@{hostname}"), at)),
            ..Self::new()
        }
    }

    /// Takes octets; true when the header section is complete, or larger than any may be.
    pub(crate) fn push(&mut self, piece: &[u8]) -> bool {
        let searched = self.held.len().saturating_sub(3);
        self.held.extend_from_slice(piece);
        self.held.starts_with(b"\r\n")
            || memmem::find(&self.held[searched..], b"\n\r\n").is_some()
            || self.held.len() > message::MAX_HEADER
    }

    /// Octets of the header section, with the empty line that ends it.
    pub(crate) fn length(&self) -> usize {
        if self.held.starts_with(b"\r\n") {
            return 2;
        }
        memmem::find(&self.held, b"\r\n\r\n").map_or(self.held.len(), |at| at + 4)
    }

    /// The missing fields, and everything that was taken.
    pub(crate) fn complete(self) -> (String, Vec<u8>) {
        let mut missing = String::new();
        let Some((message_id, at)) = &self.missing else {
            return (missing, self.held);
        };
        let has = |name: &str| fields(&self.held).any(|field| field.is(name));
        if !has("Date") {
            missing.push_str("Date: ");
            missing.push_str(&trace::date(*at));
            missing.push_str("\r\n");
        }
        if !has("Message-ID") {
            missing.push_str("Message-ID: <");
            missing.push_str(message_id);
            missing.push_str(">\r\n");
        }
        (missing, self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(message: &[u8], step: usize) -> (String, Vec<u8>) {
        let mut held = HeldHeader::of_submission("ID", "host.test", 837_595_405);
        for piece in message.chunks(step) {
            held.push(piece);
        }
        held.complete()
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_there_is_kept() {
        let both = "Date: Wed, 17 Jul 1996 09:23:25 +0000\r\nMessage-ID: <ID@host.test>\r\n";
        let rows: &[(&[u8], &str)] = &[
            (b"Subject: x\r\n\r\nDate: no\r\n", both),
            (b"\r\ntext", both),
            (b"date: x\r\nmessage-id: y\r\n\r\n", ""),
            (b"Date: x\r\n\r\n", "Message-ID: <ID@host.test>\r\n"),
        ];
        for (message, missing) in rows {
            for step in 1..message.len() {
                let expected = ((*missing).to_owned(), message.to_vec());
                assert_eq!(complete(message, step), expected);
            }
        }
    }

    #[test]
    fn the_end_of_the_header_section_is_seen_at_any_fragmentation() {
        for step in 1..10 {
            let mut held = HeldHeader::new();
            let ended = b"A: b\r\n\r\n"
                .chunks(step)
                .map(|piece| held.push(piece))
                .last();
            assert_eq!(ended, Some(true), "{step}");
            assert_eq!(held.length(), 8, "{step}");
        }
        let mut held = HeldHeader::new();
        assert!(!held.push(b"A: b\r\n"));
    }
}
