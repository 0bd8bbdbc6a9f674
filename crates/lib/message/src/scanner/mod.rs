//! Reading a message of any size in pieces, in bounded memory, on one pass.
//!
//! ```text
//!   push(piece) ──▶ root header section (kept) ──▶ text (told back to the caller, not kept)
//!                                                   │
//!                                                   ▼ Walker: lines, boundaries, part headers
//!   finish() ──▶ Scanned { header, summary }  ◀── Tree
//! ```

mod header_lines;
mod overview;
mod walker;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::Bytes;
use thiserror::Error;

pub use header_lines::{End, HeaderLines};
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

/// Version of what [`Scanner`] computes: raised when the summary of a message differs from the one
/// that the version before made of it.
pub const SCANNER_VERSION: u32 = 1;

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
    /// The header section up to and with the empty line that ends it. Where text followed without
    /// one, it is here all the same.
    pub header: Bytes,
    /// What was computed.
    pub summary: Summary,
}

/// Reads a message in pieces. Lines may end in CRLF or LF.
#[derive(Debug)]
pub struct Scanner {
    lines: HeaderLines,
    /// Once the header section has ended.
    text: Option<Walker>,
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
            lines: HeaderLines::new(),
            text: None,
        }
    }

    /// Takes the next piece and gives back what of it belongs to the text, behind the header
    /// section. The text is the caller's to keep.
    ///
    /// # Errors
    /// [`ScanError::HeaderTooLarge`]; the scanner is of no use afterwards.
    pub fn push<'a>(&mut self, piece: &'a [u8]) -> Result<Cow<'a, [u8]>, ScanError> {
        if let Some(walker) = &mut self.text {
            walker.push(piece);
            return Ok(Cow::Borrowed(piece));
        }
        let end = self.lines.push(piece);
        let text = match end {
            None => None,
            Some(End { taken, text }) if text.is_empty() => Some(Cow::Borrowed(&piece[taken..])),
            Some(End { taken, mut text }) => {
                text.extend_from_slice(&piece[taken..]);
                Some(Cow::Owned(text))
            }
        };
        if self.lines.size() > MAX_HEADER {
            return Err(ScanError::HeaderTooLarge);
        }
        let Some(text) = text else {
            return Ok(Cow::Borrowed(&[]));
        };
        let mut walker = Walker::new(self.lines.header());
        walker.push(&text);
        self.text = Some(walker);
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
        self.lines.header()
    }

    /// Octets of header and text so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.text
            .as_ref()
            .map_or(self.lines.size() as u64, Walker::offset)
    }

    /// Whether the summary depends on octets of the text, and not only on how many octets and
    /// lines it has. Known once the header section has ended.
    #[must_use]
    pub fn needs_text(&self) -> bool {
        self.text.as_ref().is_none_or(Walker::needs_text)
    }

    /// Stands for a text of so many octets and lines, where [`needs_text`](Self::needs_text) is
    /// false: the message then ends.
    pub fn skip_text(&mut self, octets: u64, lines: u64) {
        if let Some(walker) = &mut self.text {
            walker.skip(octets, lines);
        }
    }

    /// The message has ended.
    ///
    /// # Errors
    /// None at present: what [`push`](Self::push) took can be summed up.
    pub fn finish(mut self) -> Result<Scanned, ScanError> {
        self.lines.finish();
        let header = self.lines.header();
        let walker = self.text.unwrap_or_else(|| Walker::new(header));
        let (tree, lines) = walker.finish();
        let summary = overview::summary(header, &tree, lines);
        Ok(Scanned {
            header: Bytes::copy_from_slice(header),
            summary,
        })
    }
}
