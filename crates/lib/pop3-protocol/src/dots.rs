//! Multi-line responses (RFC 1939 §3): each line that begins with a dot gets another one, and a line with
//! only a dot ends the response.

use bytes::{Buf as _, BytesMut};
use memchr::memchr;

/// Adds the dots to a message in pieces, and ends each of its lines with CRLF: a client that only
/// recognises CRLF would otherwise wait for ever after a last line that ends with LF.
#[derive(Debug)]
pub struct Stuffer {
    last: u8,
}

impl Default for Stuffer {
    fn default() -> Self {
        Self { last: b'\n' }
    }
}

impl Stuffer {
    /// Appends the next piece to `output`.
    pub fn push(&mut self, piece: &[u8], output: &mut BytesMut) {
        output.reserve(piece.len() + 64);
        let mut rest = piece;
        while !rest.is_empty() {
            let end = memchr(b'\n', rest);
            let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
            if self.last == b'\n' && line.starts_with(b".") {
                output.extend_from_slice(b".");
            }
            output.extend_from_slice(line);
            self.last = line.last().copied().unwrap_or(self.last);
            rest = behind;
            if let Some(behind) = rest.strip_prefix(b"\n") {
                self.end_line(output);
                rest = behind;
            }
        }
    }

    fn end_line(&mut self, output: &mut BytesMut) {
        let end: &[u8] = if self.last == b'\r' { b"\n" } else { b"\r\n" };
        output.extend_from_slice(end);
        self.last = b'\n';
    }

    /// Ends the message; completes its last line if necessary.
    pub fn finish(mut self, output: &mut BytesMut) {
        if self.last != b'\n' {
            self.end_line(output);
        }
        output.extend_from_slice(b".\r\n");
    }
}

/// Removes the dots.
#[derive(Debug)]
pub struct Unstuffer {
    at_line_start: bool,
}

/// The state of an [`Unstuffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The response continues.
    More,
    /// A line with a dot and LF alone, with nothing after it. It is the end, unless more data arrives
    /// without a request: then [`Unstuffer::pull`] continues. Otherwise [`Unstuffer::end`] consumes it.
    Doubtful,
    /// It has ended; the remaining input belongs to the next response.
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
    /// Moves classified octets from `input` to `output`. Lines may end with LF alone, as some servers send
    /// them; the end is still a line with only a dot. A server with incomplete line ends may not stuff such
    /// dots either: a dot and LF with more data after it is text, since after the end a server waits for
    /// the next command.
    pub fn pull(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Progress {
        let mut at = 0;
        let progress = loop {
            let rest = &input[at..];
            match memchr(b'\n', rest) {
                Some(end) => {
                    let line = &rest[..=end];
                    if self.at_line_start && line == b".\r\n" {
                        at += line.len();
                        break Progress::Ended;
                    }
                    if self.at_line_start && line == b".\n" {
                        if rest.len() == line.len() {
                            break Progress::Doubtful;
                        }
                        output.extend_from_slice(line);
                    } else {
                        output.extend_from_slice(self.without_dot(line));
                        self.at_line_start = true;
                    }
                    at += line.len();
                }
                // It cannot be decided yet whether this is the end.
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

    /// Consumes the end of a response after [`Progress::Doubtful`].
    pub fn end(self, input: &mut BytesMut) {
        input.advance(b".\n".len().min(input.len()));
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
