//! The body of a part: finds the delimiter after it, across pieces, and converts binary content to base64.
//!
//! Only CRLF ends a line. The line break before a delimiter belongs to the delimiter (RFC 2046 §5.1.1), so
//! it is held back until the next line is known.

use memchr::memchr;

use super::Unconvertible;
use super::base64_lines::Base64Lines;
use super::structure::Structure;
use crate::mime::Hit;

/// Maximum held length of a line that may be a delimiter.
const MAX_DELIMITER: usize = 1_000;

/// The body in progress.
#[derive(Debug)]
pub(super) struct Body {
    at: At,
    /// The current line, while it may be a delimiter.
    line: Vec<u8>,
    /// A held line break before it, which may belong to the delimiter.
    break_held: bool,
    /// For binary content.
    encoder: Option<Base64Lines>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart,
    WithinLine,
    BehindCr,
}

/// A delimiter line.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) hit: Hit,
    /// The line itself.
    pub(super) line: Vec<u8>,
}

impl Body {
    /// A body that passes unchanged.
    pub(super) fn text() -> Self {
        Self {
            at: At::LineStart,
            line: Vec::new(),
            break_held: false,
            encoder: None,
        }
    }

    /// A body that is converted to base64.
    pub(super) fn binary() -> Self {
        Self {
            encoder: Some(Base64Lines::default()),
            ..Self::text()
        }
    }

    /// Takes octets up to the end of a delimiter, if there is one; returns their number and the delimiter.
    pub(super) fn take(
        &mut self,
        piece: &[u8],
        structure: &Structure,
        out: &mut Vec<u8>,
    ) -> Result<(usize, Option<Found>), Unconvertible> {
        if !structure.has_delimiters() {
            self.content(piece, out);
            return Ok((piece.len(), None));
        }
        let mut at = 0;
        while at < piece.len() {
            let rest = &piece[at..];
            if self.at == At::LineStart && (!self.line.is_empty() || rest[0] == b'-') {
                let (used, found) = self.at_line_start(rest, structure, out)?;
                at += used;
                if found.is_some() {
                    return Ok((at, found));
                }
            } else {
                at += self.within_line(rest, out);
            }
        }
        Ok((at, None))
    }

    /// Ends the message.
    pub(super) fn finish(&mut self, structure: &Structure, out: &mut Vec<u8>) {
        let is_delimiter = !self.line.is_empty() && structure.delimiter(&self.line).is_some();
        let line = std::mem::take(&mut self.line);
        if is_delimiter {
            self.end_content(out);
            return out.extend_from_slice(&line);
        }
        if std::mem::take(&mut self.break_held) {
            self.content(b"\r\n", out);
        }
        self.content(&line, out);
        if self.at == At::BehindCr {
            self.content(b"\r", out);
        }
        if let Some(encoder) = &mut self.encoder
            && encoder.finish(out)
        {
            out.extend_from_slice(b"\r\n");
        }
    }

    fn at_line_start(
        &mut self,
        rest: &[u8],
        structure: &Structure,
        out: &mut Vec<u8>,
    ) -> Result<(usize, Option<Found>), Unconvertible> {
        let room = MAX_DELIMITER
            .saturating_sub(self.line.len())
            .min(rest.len());
        let end = memchr(b'\n', &rest[..room]).map(|at| at + 1);
        let used = end.unwrap_or(room);
        self.line.extend_from_slice(&rest[..used]);
        if self.line.ends_with(b"\r\n")
            && let Some(hit) = structure.delimiter(&self.line)
        {
            self.end_content(out);
            let line = std::mem::take(&mut self.line);
            return Ok((used, Some(Found { hit, line })));
        }
        if end.is_some() || !structure.may_become_delimiter(&self.line) {
            let line = std::mem::take(&mut self.line);
            let mut line = line.as_slice();
            self.at = At::WithinLine;
            self.release_break(out);
            while !line.is_empty() {
                line = &line[self.within_line(line, out)..];
            }
        } else if self.line.len() >= MAX_DELIMITER {
            return Err(Unconvertible::DelimiterTooLong);
        }
        Ok((used, None))
    }

    /// Passes octets up to the next line break, or to a CR that may begin one.
    fn within_line(&mut self, rest: &[u8], out: &mut Vec<u8>) -> usize {
        match self.at {
            At::BehindCr if rest[0] == b'\n' => {
                self.at = At::LineStart;
                self.break_held = true;
                1
            }
            At::BehindCr => {
                self.at = At::WithinLine;
                self.content(b"\r", out);
                0
            }
            At::LineStart | At::WithinLine => {
                self.release_break(out);
                self.at = At::WithinLine;
                let Some(cr) = memchr(b'\r', rest) else {
                    self.content(rest, out);
                    return rest.len();
                };
                self.content(&rest[..cr], out);
                self.at = At::BehindCr;
                cr + 1
            }
        }
    }

    fn release_break(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.break_held) {
            self.content(b"\r\n", out);
        }
    }

    /// Before a delimiter: the preceding line break is no content.
    fn end_content(&mut self, out: &mut Vec<u8>) {
        if let Some(encoder) = &mut self.encoder {
            encoder.finish(out);
        }
        if std::mem::take(&mut self.break_held) {
            out.extend_from_slice(b"\r\n");
        }
    }

    fn content(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match &mut self.encoder {
            Some(encoder) => encoder.push(octets, out),
            None => out.extend_from_slice(octets),
        }
    }
}
