//! Removes results that a collected message claims to have from this system: its sender may have written them.

use mail_authentication::without_forged;
use message::{HeaderLines, MAX_HEADER};

/// Holds the header section back until it is complete.
pub(super) struct WithoutForged {
    /// `None` after the header section.
    header: Option<HeaderLines>,
    hostname: String,
}

impl WithoutForged {
    /// For a message collected by the system of this name.
    pub(super) fn new(hostname: &str) -> Self {
        Self {
            header: Some(HeaderLines::new()),
            hostname: hostname.to_owned(),
        }
    }

    /// Takes the next octets, and leaves those that can be passed on.
    pub(super) fn push(&mut self, piece: &mut Vec<u8>) {
        let Some(lines) = &mut self.header else {
            return;
        };
        if let Some(end) = lines.push(piece) {
            let mut text = end.text;
            text.extend_from_slice(&piece[end.taken..]);
            *piece = self.end();
            piece.append(&mut text);
        } else if lines.size() > MAX_HEADER {
            // It is refused for its size.
            *piece = self.end();
        } else {
            piece.clear();
        }
    }

    /// The rest, at the end of the message: a header section without text.
    pub(super) fn end(&mut self) -> Vec<u8> {
        let Some(mut lines) = self.header.take() else {
            return Vec::new();
        };
        lines.finish();
        without_forged(lines.header(), &self.hostname).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(message: &[u8], size: usize) -> String {
        let mut without = WithoutForged::new("mail.example.test");
        let mut passed = Vec::new();
        for piece in message.chunks(size) {
            let mut piece = piece.to_vec();
            without.push(&mut piece);
            passed.extend(piece);
        }
        passed.extend(without.end());
        String::from_utf8(passed).unwrap_or_default()
    }

    #[test]
    fn forged_results_go_however_the_message_is_cut() {
        let forged =
            "Authentication-Results: mail.example.test; dmarc=pass\r\nX-Postern-Marks: none\r\n";
        for (before, after) in [
            ("A: b\r\n", "C: d\r\n\r\ntext\r\n"),
            ("A: b\r\n", "\r\nX-Postern-Marks: in the text\r\n"),
            ("", "A: b\r\n"),
            ("Authentication-Results: isp.test; spf=pass\r\n", "\r\n"),
        ] {
            let message = format!("{before}{forged}{after}");
            for size in 1..=message.len() {
                assert_eq!(passed(message.as_bytes(), size), format!("{before}{after}"));
            }
        }
    }
}
