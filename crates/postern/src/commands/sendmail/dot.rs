//! A message that ends with a line with only a dot, as typed at a terminal.

use std::collections::VecDeque;
use std::io::{self, Read};

/// Octets read at once.
const PIECE: usize = 8192;

/// Reads up to a line with only a dot, or to the end.
pub(super) struct UntilDot<R> {
    input: R,
    line: Line,
    /// Dots, and a following carriage return, that may be the end or text.
    held: Vec<u8>,
    /// Pending text.
    text: VecDeque<u8>,
    /// Nothing is read after the final dot.
    ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Start,
    Dot,
    DotCr,
    Within,
}

impl<R: Read> UntilDot<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            line: Line::Start,
            held: Vec::new(),
            text: VecDeque::new(),
            ended: false,
        }
    }

    /// Splits the input into text and a possible end.
    fn take(&mut self, read: &[u8]) {
        for &byte in read {
            self.line = match (self.line, byte) {
                (Line::Dot | Line::DotCr, b'\n') => {
                    self.ended = true;
                    break;
                }
                (Line::Start, b'.') => Line::Dot,
                (Line::Dot, b'\r') => Line::DotCr,
                (_, b'\n') => Line::Start,
                _ => Line::Within,
            };
            if matches!(self.line, Line::Dot | Line::DotCr) {
                self.held.push(byte);
            } else {
                self.text.extend(self.held.drain(..));
                self.text.push_back(byte);
            }
        }
    }
}

impl<R: Read> Read for UntilDot<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.text.is_empty() && !self.ended {
            let mut piece = [0; PIECE];
            let count = self.input.read(&mut piece)?;
            // A dot at the end of the input, without a line end, is an end too.
            self.ended = count == 0;
            self.take(piece.get(..count).unwrap_or_default());
        }
        self.text.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    /// Returns a few octets at once.
    struct Pieces(&'static [u8], usize);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            let (now, rest) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = rest;
            Ok(count)
        }
    }

    #[test]
    fn a_line_of_one_dot_is_the_end_and_nothing_else_is() {
        for (text, expected) in [
            ("a\n.\nb\n", "a\n"),
            ("a\r\n.\r\nb\r\n", "a\r\n"),
            (".\nb\n", ""),
            ("a\n..\nb\n", "a\n..\nb\n"),
            ("a\n.b\n", "a\n.b\n"),
            ("a\n.\rb\n", "a\n.\rb\n"),
            ("a.\n", "a.\n"),
            ("a\n .\n", "a\n .\n"),
            ("a\n.", "a\n"),
            ("a", "a"),
            ("", ""),
        ] {
            for size in [1, 2, 3, 100] {
                let mut read = String::new();
                let mut input = UntilDot::new(Pieces(text.as_bytes(), size));
                input.read_to_string(&mut read).unwrap();
                assert_eq!(read, expected, "{text:?} in pieces of {size}");
            }
        }
    }
}
