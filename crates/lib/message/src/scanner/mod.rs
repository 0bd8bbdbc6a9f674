//! Reading a message of any size in pieces, in bounded memory, on one pass.
//!
//! ```text
//!   push(piece) ──▶ root header section (kept) ──▶ text (told back to the caller, not kept)
//!                                                   │
//!                                                   ▼ Walker: lines, boundaries, part headers
//!   finish() ──▶ Scanned { header, summary }  ◀── Tree
//! ```

mod boundary;
mod mime;
mod overview;
mod tree;
mod walker;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use memchr::memchr;
use thiserror::Error;

pub(crate) use mime::Mime;
pub(crate) use tree::{Node, Tree};
use walker::Walker;

use crate::Summary;

/// The header section of a message, octets.
pub const MAX_HEADER: usize = 128 * 1024;
/// Body parts of a message; what comes behind belongs to the last.
pub const MAX_PARTS: usize = 2_000;
/// Parts within parts; what lies deeper is opaque.
pub const MAX_DEPTH: usize = 100;

/// A summary on the wire, octets: whatever the message, its summary is no larger. What a structure
/// or an envelope has beyond its share of that is left out.
pub const MAX_SUMMARY: usize = 2 * 1024 * 1024;

/// Why a message cannot be taken.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum ScanError {
    /// Its header section is larger than [`MAX_HEADER`].
    #[error("the header section is larger than {MAX_HEADER} octets")]
    HeaderTooLarge,
}

/// A message that has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// The header section up to and with the empty line that ends it.
    pub header: Bytes,
    /// What was computed.
    pub summary: Summary,
}

impl Scanned {
    /// Puts header fields, whole lines, in front of the message, as if they had come with it: fields
    /// of a trace, that the summary does not tell of.
    ///
    /// # Errors
    /// [`ScanError::HeaderTooLarge`].
    pub fn prepend(&mut self, fields: &[u8]) -> Result<(), ScanError> {
        if self.header.len() + fields.len() > MAX_HEADER {
            return Err(ScanError::HeaderTooLarge);
        }
        self.header = [fields, &self.header].concat().into();
        let by = fields.len() as u64;
        for part in &mut self.summary.parts {
            // Where the message begins, its first part begins too.
            if part.header_start > 0 {
                part.header_start += by;
            }
            part.body_start += by;
            part.end += by;
            part.nested_text_start = part.nested_text_start.map(|start| start + by);
        }
        Ok(())
    }
}

/// Reads a message in pieces. Lines may end in CRLF or LF.
#[derive(Debug)]
pub struct Scanner {
    header: Vec<u8>,
    line: LineSoFar,
    /// Once the header section has ended.
    text: Option<Walker>,
}

/// What the current line of the header section holds up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineSoFar {
    Nothing,
    CarriageReturn,
    Something,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// Ready for the first octet of a message.
    #[must_use]
    pub fn new() -> Self {
        Self {
            header: Vec::with_capacity(2048),
            line: LineSoFar::Nothing,
            text: None,
        }
    }

    /// Takes the next piece and gives back what of it belongs to the text, behind the header
    /// section. The text is the caller's to keep.
    ///
    /// # Errors
    /// [`ScanError::HeaderTooLarge`]; the scanner is of no use afterwards.
    pub fn push<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], ScanError> {
        if let Some(walker) = &mut self.text {
            walker.push(piece);
            return Ok(piece);
        }
        let end = self.header_end(piece);
        let (header, text) = piece.split_at(end.unwrap_or(piece.len()));
        if self.header.len() + header.len() > MAX_HEADER {
            return Err(ScanError::HeaderTooLarge);
        }
        self.header.extend_from_slice(header);
        if end.is_some() {
            let mut walker = Walker::new(&self.header);
            walker.push(text);
            self.text = Some(walker);
        }
        Ok(text)
    }

    /// Whether the header section has ended.
    #[must_use]
    pub fn header_complete(&self) -> bool {
        self.text.is_some()
    }

    /// The header section as far as it has come.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Octets of header and text so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.text
            .as_ref()
            .map_or(self.header.len() as u64, Walker::offset)
    }

    /// The message has ended.
    ///
    /// # Errors
    /// None at present: what [`push`](Self::push) took can be summed up.
    pub fn finish(self) -> Result<Scanned, ScanError> {
        let walker = self.text.unwrap_or_else(|| Walker::new(&self.header));
        let (tree, lines) = walker.finish();
        let summary = overview::summary(&self.header, &tree, lines);
        Ok(Scanned {
            header: Bytes::from(self.header),
            summary,
        })
    }

    /// Where in this piece the text starts: behind the first empty line.
    fn header_end(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(found) = memchr(b'\n', &piece[at..]) {
            let line = &piece[at..at + found];
            at += found + 1;
            let empty = match self.line {
                LineSoFar::Nothing => matches!(line, b"" | b"\r"),
                LineSoFar::CarriageReturn => line.is_empty(),
                LineSoFar::Something => false,
            };
            self.line = LineSoFar::Nothing;
            if empty {
                return Some(at);
            }
        }
        self.line = match (self.line, &piece[at..]) {
            (before, b"") => before,
            (LineSoFar::Nothing, b"\r") => LineSoFar::CarriageReturn,
            _ => LineSoFar::Something,
        };
        None
    }
}
