//! Where the header section ends: behind the first empty line, or before the first line that can
//! be no part of a header section. Then there is no empty line, and one is put there, as Postfix
//! does: else the fields that servers put in front would run into the text.

/// A line is no longer (RFC 5322 §2.1.1), so no field's name is.
const LONGEST_NAME: usize = 998;

/// The header section, line by line. Whoever asks where it ends asks here: where two parts of a
/// system see two ends, a message has text for the one that is a header for the other.
#[derive(Debug)]
pub struct HeaderLines {
    /// What is known to belong to it.
    header: Vec<u8>,
    /// The current line, until it is known what it is.
    undecided: Vec<u8>,
    /// The current line belongs to the header section whatever it goes on with.
    decided: bool,
}

/// The header section has ended.
#[derive(Debug)]
pub struct End {
    /// Octets of the last piece that were looked at.
    pub taken: usize,
    /// The text starts with these, before the rest of the piece. Where there are any, there was no
    /// empty line, and the two octets at the end of the header section are not the message's.
    pub text: Vec<u8>,
}

/// What a line is, by its first octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Undecided,
    /// A field, or more of one.
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

    /// The lines that are known to belong to the header section; once that has ended, with the empty
    /// line.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Octets of it so far.
    #[must_use]
    pub fn size(&self) -> usize {
        self.header.len() + self.undecided.len()
    }

    /// The message has ended: so has the header section.
    pub fn finish(&mut self) {
        self.header.append(&mut self.undecided);
    }

    /// Takes the next piece, to the end of the header section.
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
        // Nothing is there that it could go on with.
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

/// `From ` as it stands before messages in mbox files, quoted or not: it is passed over.
fn is_postmark(start: &[u8]) -> bool {
    let quoted = start.iter().take_while(|&&octet| octet == b'>').count();
    start[quoted..].trim_ascii_end() == b"From"
}
