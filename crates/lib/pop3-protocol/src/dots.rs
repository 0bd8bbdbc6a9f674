//! Multi-line responses (RFC 1939 §3): a dot is put before each line that begins with one, and a
//! line with a dot alone ends the response.

use bytes::{Buf as _, BytesMut};
use memchr::{memchr, memmem};

/// Adds the dots to a message that comes in pieces.
#[derive(Debug)]
pub struct Stuffer {
    at_line_start: bool,
    last: u8,
}

impl Default for Stuffer {
    fn default() -> Self {
        Self {
            at_line_start: true,
            last: b'\n',
        }
    }
}

impl Stuffer {
    /// Appends the next piece to `output`.
    pub fn push(&mut self, piece: &[u8], output: &mut BytesMut) {
        let Some(&last) = piece.last() else { return };
        output.reserve(piece.len() + 64);
        if self.at_line_start && piece.starts_with(b".") {
            output.extend_from_slice(b".");
        }
        let mut done = 0;
        for at in memmem::find_iter(piece, b"\n.") {
            output.extend_from_slice(&piece[done..=at]);
            output.extend_from_slice(b".");
            done = at + 1;
        }
        output.extend_from_slice(&piece[done..]);
        self.at_line_start = last == b'\n';
        self.last = last;
    }

    /// Ends the message: its last line is completed where it was not.
    pub fn finish(self, output: &mut BytesMut) {
        if !self.at_line_start {
            output.extend_from_slice(if self.last == b'\r' { b"\n" } else { b"\r\n" });
        }
        output.extend_from_slice(b".\r\n");
    }
}

/// Takes the dots away again.
#[derive(Debug)]
pub struct Unstuffer {
    at_line_start: bool,
}

/// How far an [`Unstuffer`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The response goes on.
    More,
    /// It has ended; what is left of the input belongs to the next.
    Ended,
}

impl Default for Unstuffer {
    fn default() -> Self {
        Self {
            at_line_start: true,
        }
    }
}

impl Unstuffer {
    /// Moves what can be told apart from `input` to `output`. Lines may end in LF alone, as some
    /// servers send them; what ends the response is still a dot on a line of its own.
    pub fn pull(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Progress {
        let mut at = 0;
        let progress = loop {
            let rest = &input[at..];
            match memchr(b'\n', rest) {
                Some(end) => {
                    let line = &rest[..=end];
                    at += line.len();
                    if self.at_line_start && matches!(line, b".\r\n" | b".\n") {
                        break Progress::Ended;
                    }
                    output.extend_from_slice(self.without_dot(line));
                    self.at_line_start = true;
                }
                // It cannot be told yet whether this is the end.
                None if self.at_line_start && matches!(rest, b"" | b"." | b".\r") => {
                    break Progress::More;
                }
                None => {
                    if !rest.is_empty() {
                        output.extend_from_slice(self.without_dot(rest));
                        self.at_line_start = false;
                        at = input.len();
                    }
                    break Progress::More;
                }
            }
        };
        input.advance(at);
        progress
    }

    fn without_dot<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        if self.at_line_start {
            line.strip_prefix(b".").unwrap_or(line)
        } else {
            line
        }
    }
}

#[cfg(test)]
mod tests;
