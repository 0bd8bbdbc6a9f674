//! The message of a simulated session.

use std::io;

use message::HeaderLines;

use crate::send::source::{CrlfReader, drop_separator};

/// Maximum size of the message: it is held in memory.
const MOST: usize = 256 << 20;

/// The message as transferred by SMTP.
#[derive(Debug)]
pub struct Message {
    octets: Vec<u8>,
    /// Start of its text.
    text: usize,
}

impl Message {
    /// Reads the message; lines may end with LF or CRLF.
    ///
    /// # Errors
    /// If it cannot be read or is too large.
    pub fn read(input: impl io::Read) -> io::Result<Self> {
        let mut reader = CrlfReader::new(input);
        let mut octets = Vec::new();
        while let Some(piece) = reader.next()? {
            octets.extend_from_slice(&piece);
            if octets.len() > MOST {
                let reason = "the message is too large to be explained";
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
        }
        drop_separator(&mut octets);
        let mut lines = HeaderLines::new();
        if lines.push(&octets).is_none() {
            lines.finish();
        }
        let text = lines.size().min(octets.len());
        Ok(Self { octets, text })
    }

    /// Includes the empty line.
    pub(super) fn header(&self) -> &[u8] {
        &self.octets[..self.text]
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.octets[self.text..]
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn a_message_is_read_as_the_server_reads_it() {
        let author = |first: &str| {
            let text = format!("{first}\nSubject: x\n\ntext\n");
            let message = Message::read(text.as_bytes()).unwrap();
            let authors = intake::authors(message.header());
            authors
                .map(|author| author.unwrap().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(author("From: a@strict.test"), ["a@strict.test"]);
        // RFC 5322 §4.5.
        assert_eq!(author("From : a@strict.test"), ["a@strict.test"]);
        assert!(author("From a@strict.test Tue Nov 24 10:00:00 2026").is_empty());
    }
}
