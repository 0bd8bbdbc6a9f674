//! Header fields that this server adds: Received (RFC 5321 §4.4), and fields that a submission lacks (RFC
//! 6409 §8.2, §8.3). Also the fields that it removes.

use std::borrow::Cow;
use std::net::IpAddr;

use message::header::{fields, without};
use message::{HeaderLines, trace};
use session_io::TlsFacts;

/// The facts for a Received field.
pub(crate) struct Hop<'a> {
    pub(crate) hello: &'a smtp_protocol::server::Hello,
    pub(crate) peer: IpAddr,
    pub(crate) hostname: &'a str,
    pub(crate) tls: Option<&'a TlsFacts>,
    pub(crate) authenticated: bool,
    pub(crate) smtputf8: bool,
    pub(crate) id: &'a str,
    /// Set if it is the only recipient.
    pub(crate) recipient: Option<&'a str>,
    /// Set if the client requested one.
    pub(crate) priority: Option<i8>,
    /// Seconds since 1970.
    pub(crate) at: i64,
}

impl Hop<'_> {
    /// The Received field.
    pub(crate) fn received(&self) -> String {
        let tls = self.tls.map(|tls| {
            // rustls names TLS 1.3's suites differently from RFC 8446.
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
            priority: self.priority,
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

/// Holds a header section back until it is complete, then adds the missing fields of a submission.
pub(crate) struct HeldHeader {
    lines: HeaderLines,
    /// Text that came with the end of the header section.
    text: Vec<u8>,
    /// For a submission: the Message-ID and the date to add.
    missing: Option<(String, i64)>,
}

/// A complete header section.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complete {
    /// The fields that a submission lacks.
    pub(crate) missing: String,
    /// Ends with the empty line, which is added if missing.
    pub(crate) header: Vec<u8>,
    /// The start of the text.
    pub(crate) text: Vec<u8>,
}

impl HeldHeader {
    /// For a message whose fields are only inspected.
    pub(crate) fn new() -> Self {
        Self {
            lines: HeaderLines::new(),
            text: Vec::new(),
            missing: None,
        }
    }

    /// For a submission. A missing Message-ID is made from the session's id.
    pub(crate) fn of_submission(id: &str, hostname: &str, at: i64) -> Self {
        Self {
            missing: Some((format!("{id}@{hostname}"), at)),
            ..Self::new()
        }
    }

    /// Takes octets. True when the header section is complete, or larger than the limit.
    pub(crate) fn push(&mut self, piece: &[u8]) -> bool {
        let Some(end) = self.lines.push(piece) else {
            return self.lines.size() > message::MAX_HEADER;
        };
        self.text = end.text;
        self.text.extend_from_slice(&piece[end.taken..]);
        true
    }

    /// The parts of what was taken.
    pub(crate) fn complete(mut self) -> Complete {
        self.lines.finish();
        let header = self.lines.header().to_vec();
        Complete {
            missing: self.missing(&header),
            header,
            text: self.text,
        }
    }

    fn missing(&self, header: &[u8]) -> String {
        let mut missing = String::new();
        let Some((message_id, at)) = &self.missing else {
            return missing;
        };
        let has = |name: &str| fields(header).any(|field| field.is(name));
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
        missing
    }
}

/// The header section of a submission without fields that must not leave (RFC 6409 §8): Bcc (RFC 5322
/// §3.6.3), and Return-Path, which only final delivery writes (RFC 5321 §4.4).
pub(crate) fn as_submitted(header: &[u8]) -> Cow<'_, [u8]> {
    const UNWANTED: [&str; 3] = ["Bcc", "Resent-Bcc", "Return-Path"];
    without(header, |field| UNWANTED.iter().any(|name| field.is(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the message in pieces; the octets after the header section are text.
    fn complete(message: &[u8], step: usize) -> Complete {
        let mut held = HeldHeader::of_submission("ID", "host.test", 837_595_405);
        let mut pieces = message.chunks(step);
        pieces.by_ref().any(|piece| held.push(piece));
        let mut complete = held.complete();
        complete.text.extend(pieces.flatten());
        complete
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_there_is_kept() {
        const BOTH: &str =
            "Date: Wed, 17 Jul 1996 09:23:25 +0000\r\nMessage-ID: <ID@host.test>\r\n";
        let rows = [
            ("Subject: x\r\n\r\n", "Date: no\r\n", BOTH),
            ("\r\n", "text", BOTH),
            ("date: x\r\nmessage-id: y\r\n\r\n", "", ""),
            ("Date: x\r\n\r\n", "", "Message-ID: <ID@host.test>\r\n"),
            ("Date: x\r\n", "", "Message-ID: <ID@host.test>\r\n"),
        ];
        for (header, text, missing) in rows {
            let message = format!("{header}{text}").into_bytes();
            for step in 1..=message.len() {
                let expected = Complete {
                    missing: missing.to_owned(),
                    header: header.as_bytes().to_vec(),
                    text: text.as_bytes().to_vec(),
                };
                assert_eq!(complete(&message, step), expected, "{header:?} by {step}");
            }
        }
    }

    /// As in the scanner: everything from the first line on that is no field is text.
    #[test]
    fn the_header_section_ends_where_a_line_is_no_field() {
        let rows = [
            (
                "Date: x\r\nMessage-ID: y\r\n",
                "no field\r\nFrom: z\r\n\r\n",
            ),
            ("", " text\r\n\r\n"),
        ];
        for (header, text) in rows {
            let message = format!("{header}{text}").into_bytes();
            for step in 1..=message.len() {
                let complete = complete(&message, step);
                assert_eq!(complete.header, format!("{header}\r\n").as_bytes());
                assert_eq!(complete.text, text.as_bytes(), "by {step}");
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
        }
        let mut held = HeldHeader::new();
        assert!(!held.push(b"A: b\r\n"));
    }
}
