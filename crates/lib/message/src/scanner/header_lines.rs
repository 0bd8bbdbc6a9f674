//! Finds the end of the header section: after the first empty line, or before the first line that cannot
//! belong to a header section. In the second case an empty line is inserted, as Postfix does: otherwise
//! header fields added by servers would be followed by text directly.

/// Maximum length of a line (RFC 5322 §2.1.1), and so of a field's name.
const LONGEST_NAME: usize = 998;

/// The header section, line by line. All users of its end must use this type: if two parts of the system
/// see different ends, text for one is header for the other.
#[derive(Debug)]
pub struct HeaderLines {
    /// The lines known to belong to it.
    header: Vec<u8>,
    /// The current line, until it is classified.
    undecided: Vec<u8>,
    /// The current line belongs to the header section, whatever follows.
    decided: bool,
}

/// The end of the header section.
#[derive(Debug)]
pub struct End {
    /// Octets consumed from the last piece.
    pub taken: usize,
    /// The start of the text, before the rest of the piece. If it is not empty, there was no empty line,
    /// and the final two octets of the header section are not the message's.
    pub text: Vec<u8>,
}

/// The class of a line, by its first octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Undecided,
    /// A field, or its continuation.
    Header,
    Empty,
    Text,
}

impl Default for HeaderLines {
    fn default() -> Self {
        Self::new()
    }
}

impl HeaderLines {
    /// Ready for the first octet of a message.
    #[must_use]
    pub fn new() -> Self {
        Self {
            header: Vec::with_capacity(2048),
            undecided: Vec::new(),
            decided: false,
        }
    }

    /// The lines known to belong to the header section; at its end with the empty line.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Its size so far.
    #[must_use]
    pub fn size(&self) -> usize {
        self.header.len() + self.undecided.len()
    }

    /// Ends the message, and with it the header section.
    pub fn finish(&mut self) {
        self.header.append(&mut self.undecided);
    }

    /// Takes the next piece, up to the end of the header section.
    pub fn push(&mut self, piece: &[u8]) -> Option<End> {
        let mut at = 0;
        while at < piece.len() {
            if self.decided {
                let rest = &piece[at..];
                let length = memchr::memchr(b'\n', rest).map(|found| found + 1);
                self.header
                    .extend_from_slice(&rest[..length.unwrap_or(rest.len())]);
                at += length?;
                self.decided = false;
                continue;
            }
            self.undecided.push(piece[at]);
            at += 1;
            match line(&self.undecided, self.header.is_empty()) {
                Line::Undecided => {}
                Line::Header => {
                    self.header.append(&mut self.undecided);
                    self.decided = true;
                }
                Line::Empty => {
                    self.header.append(&mut self.undecided);
                    return Some(self.end(at));
                }
                Line::Text => {
                    self.header.extend_from_slice(b"\r\n");
                    return Some(self.end(at));
                }
            }
        }
        None
    }

    fn end(&mut self, taken: usize) -> End {
        End {
            taken,
            text: std::mem::take(&mut self.undecided),
        }
    }
}

fn line(start: &[u8], first: bool) -> Line {
    let (before, last) = match start {
        b"\n" | b"\r\n" => return Line::Empty,
        [] | b"\r" => return Line::Undecided,
        // A continuation line without a field before it.
        [b' ' | b'\t'] if first => return Line::Text,
        [b' ' | b'\t', ..] => return Line::Header,
        [before @ .., last] => (before, *last),
    };
    let blank_before = before.ends_with(b" ") || before.ends_with(b"\t");
    match last {
        b':' if before.is_empty() => Line::Text,
        b':' => Line::Header,
        33..=126 if blank_before && is_postmark(before) => Line::Header,
        33..=126 | b' ' | b'\t' if before.len() < LONGEST_NAME => {
            let behind_name = blank_before && !matches!(last, b' ' | b'\t');
            if behind_name {
                Line::Text
            } else {
                Line::Undecided
            }
        }
        _ => Line::Text,
    }
}

/// The line `From ` of mbox files, quoted or not, which is skipped.
fn is_postmark(start: &[u8]) -> bool {
    let quoted = start.iter().take_while(|&&octet| octet == b'>').count();
    start[quoted..].trim_ascii_end() == b"From"
}
