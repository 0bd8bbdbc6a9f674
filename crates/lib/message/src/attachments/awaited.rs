//! The text of a multipart before its first delimiter.
//!
//! A message quoted in a notice is often truncated there, or within its header section: then it declares a
//! multipart without parts, or even without a boundary. If no line begins like a delimiter, no client finds a
//! part.

use memchr::memchr;

use super::delimiters::MAX_LINE;

/// A multipart whose first part has not begun.
#[derive(Debug)]
pub(super) struct Awaited {
    /// All readings of its boundary; none if it declares none.
    boundaries: Vec<Vec<u8>>,
    /// A line may be a delimiter of another boundary for some client.
    has_dashes: bool,
    line: Line,
    /// The last line that may be a delimiter, if only empty lines follow.
    last: Vec<u8>,
}

/// The start of a line.
#[derive(Clone, Copy, Debug)]
enum Line {
    Start,
    /// This number of dashes.
    Dashes(usize),
    /// Dashes followed directly by text: neither a rule of dashes nor `-- ` counts.
    Delimiter,
    /// Anything else.
    Other,
}

impl Awaited {
    pub(super) fn new(boundaries: Vec<Vec<u8>>) -> Self {
        Self {
            boundaries,
            has_dashes: false,
            line: Line::Start,
            last: Vec::new(),
        }
    }

    /// Whether this is one of its boundaries.
    pub(super) fn is(&self, boundary: Option<&[u8]>) -> bool {
        let mut boundaries = self.boundaries.iter();
        boundaries.any(|one| Some(one.as_slice()) == boundary)
    }

    /// Takes the next octets of the text.
    pub(super) fn text(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while !self.has_dashes
            && let Some((&octet, after)) = rest.split_first()
        {
            rest = after;
            self.line = self.after(octet);
            if matches!(self.line, Line::Other) {
                rest = memchr(b'\n', rest).map_or(&[], |at| &rest[at..]);
            }
        }
    }

    fn after(&mut self, octet: u8) -> Line {
        match (self.line, octet) {
            (_, b'\n') => Line::Start,
            // Some clients skip leading blanks.
            (Line::Start, b' ' | b'\t' | b'\r') => Line::Start,
            (Line::Start, octet) => {
                // Text after that line: it may be a part.
                self.has_dashes |= !self.last.is_empty();
                if octet == b'-' {
                    Line::Dashes(1)
                } else {
                    Line::Other
                }
            }
            (Line::Dashes(count), b'-') => {
                // Without a boundary, or with an empty one, the dashes alone may be a delimiter.
                self.has_dashes |= self.boundaries.is_empty();
                Line::Dashes(count.saturating_add(1))
            }
            (Line::Dashes(2..=MAX_LINE), b' ' | b'\t' | b'\r') => Line::Other,
            (Line::Dashes(count @ 2..=MAX_LINE), octet) => {
                self.last = vec![b'-'; count];
                self.last.push(octet);
                Line::Delimiter
            }
            (Line::Dashes(1), _) | (Line::Other, _) => Line::Other,
            (Line::Dashes(_), _) => {
                self.has_dashes = true;
                Line::Other
            }
            (Line::Delimiter, octet) => {
                self.last.push(octet);
                self.has_dashes |= self.last.len() > MAX_LINE;
                Line::Delimiter
            }
        }
    }

    /// Whether some client may find a part in the text so far.
    pub(super) fn may_have_begun(&self) -> bool {
        self.has_dashes || (!self.last.is_empty() && !self.is_cut())
    }

    /// Whether the last line is the start of a delimiter, which nothing follows: the message was truncated
    /// there.
    fn is_cut(&self) -> bool {
        let line = self.last.trim_ascii_end();
        let start = line.strip_prefix(b"--").unwrap_or(line);
        let mut boundaries = self.boundaries.iter();
        boundaries.any(|boundary| boundary.starts_with(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_parts_if_a_line_begins_like_a_delimiter() {
        for (boundary, text, expected) in [
            ("bound", "text\r\n", false),
            ("bound", "-- \r\nsignature\r\n", false),
            ("bound", "-----\r\ntext\r\n", false),
            ("bound", "--other\r\n", true),
            ("bound", " --other\r\n", true),
            // Truncated.
            ("bound", "text\r\n--bou", false),
            ("bound", "text\r\n--bou\r\n \r\n", false),
            ("--bound", "----bo\r\n", false),
            ("bound", "--bou\r\ntext", true),
            ("bound", "--bou\r\n-", true),
            ("bound", "--bou\r\n--bou\r\n", true),
            ("bound", "---bou\r\n", true),
            ("bound", "--bou nd\r\n", true),
            // No boundary.
            ("", "text\r\n", false),
            ("", "- item\r\n", false),
            ("", "-- \r\n", true),
            ("", "--\r\n", true),
            ("", " --b\r\n", true),
        ] {
            for size in 1..=text.len() {
                let boundaries = Some(boundary).filter(|one| !one.is_empty());
                let boundaries = boundaries.map(|one| one.as_bytes().to_vec());
                let mut awaited = Awaited::new(boundaries.into_iter().collect());
                for piece in text.as_bytes().chunks(size) {
                    awaited.text(piece);
                }
                assert_eq!(awaited.may_have_begun(), expected, "{boundary:?} {text:?}");
            }
        }
    }
}
