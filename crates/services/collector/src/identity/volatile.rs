//! Header fields that servers change between sessions. They describe the server's copy, not the message.

use memchr::memchr;

/// In lower case.
const VOLATILE: [&[u8]; 9] = [
    b"status",
    b"x-status",
    b"x-uidl",
    b"x-uid",
    b"x-keywords",
    b"x-imap",
    b"x-imapbase",
    b"lines",
    b"content-length",
];
const VOLATILE_PREFIX: &[u8] = b"x-mozilla-";

/// Longer than all of these names.
const LONGEST_NAME: usize = 64;

/// Passes a message on without these fields, piece by piece.
#[derive(Debug)]
pub(super) struct Filter {
    /// The beginning of a line whose field is not known yet.
    held: Vec<u8>,
    at: At,
    /// The field of the last line is left out.
    leaves_out: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    LineStart,
    WithinLine,
    Text,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            held: Vec::new(),
            at: At::LineStart,
            leaves_out: false,
        }
    }
}

impl Filter {
    /// Calls `each` with every part of a piece, and whether the part is kept.
    pub(super) fn push(&mut self, piece: &[u8], mut each: impl FnMut(&[u8], bool)) {
        let mut rest = piece;
        while !rest.is_empty() {
            match self.at {
                At::Text => {
                    each(rest, true);
                    return;
                }
                At::LineStart => {
                    self.held.push(rest[0]);
                    rest = &rest[1..];
                    self.decide(&mut each);
                }
                At::WithinLine => {
                    let end = memchr(b'\n', rest).map(|end| end + 1);
                    let (line, next) = rest.split_at(end.unwrap_or(rest.len()));
                    each(line, !self.leaves_out);
                    rest = next;
                    if end.is_some() {
                        self.at = At::LineStart;
                    }
                }
            }
        }
    }

    /// Handles the held rest at the end of the message.
    pub(super) fn finish(self, mut each: impl FnMut(&[u8], bool)) {
        if !self.held.is_empty() {
            each(&self.held, true);
        }
    }

    fn decide(&mut self, each: &mut impl FnMut(&[u8], bool)) {
        let Some(&last) = self.held.last() else {
            return;
        };
        let (leaves_out, at) = if self.held.len() == 1 && matches!(last, b' ' | b'\t') {
            (self.leaves_out, At::WithinLine)
        } else if last == b':' {
            (is_volatile(&self.held), At::WithinLine)
        } else if last == b'\n' {
            let is_empty = matches!(&self.held[..], b"\n" | b"\r\n");
            (false, if is_empty { At::Text } else { At::LineStart })
        } else if self.held.len() > LONGEST_NAME {
            (false, At::WithinLine)
        } else {
            return;
        };
        self.leaves_out = leaves_out;
        self.at = at;
        each(&self.held, !leaves_out);
        self.held.clear();
    }
}

/// Whether a field of this name, including its colon, is one of these.
fn is_volatile(name: &[u8]) -> bool {
    let name = name.strip_suffix(b":").unwrap_or(name).trim_ascii();
    let prefix = name.get(..VOLATILE_PREFIX.len());
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(VOLATILE_PREFIX))
        || VOLATILE
            .iter()
            .any(|volatile| name.eq_ignore_ascii_case(volatile))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(message: &[u8], size: usize) -> Vec<u8> {
        let mut kept = Vec::new();
        let mut each = |part: &[u8], keeps: bool| {
            if keeps {
                kept.extend_from_slice(part);
            }
        };
        let mut filter = Filter::default();
        for piece in message.chunks(size) {
            filter.push(piece, &mut each);
        }
        filter.finish(each);
        kept
    }

    #[test]
    fn only_these_fields_are_left_out_and_only_of_the_header() {
        let message = b"Status: RO\r\nFrom: a@b.test\r\nX-Mozilla-Status: 1\r\nX-UIDL:\r\n  folded\r\n \
                        more\r\nSubject: Status: x\r\n lines: 3\r\nno field\r\nLINES : 3\r\n\r\nStatus: text\r\n";
        let expected = b"From: a@b.test\r\nSubject: Status: x\r\n lines: 3\r\nno field\r\n\r\n\
                         Status: text\r\n";
        for size in 1..=message.len() {
            let kept = kept(message, size);
            assert_eq!(
                kept.escape_ascii().to_string(),
                expected.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn whatever_else_comes_is_passed_on() {
        let long = [b'x'; 1000];
        for message in [
            &b""[..],
            b"\r\nStatus: text",
            b"Stat",
            b"\nx",
            &long,
            b" a\r\n",
        ] {
            assert_eq!(kept(message, 3), message);
        }
    }
}
