//! Parses a message of any size in pieces, in bounded memory, in one pass.
//!
//! ```text
//!   push(piece) ──▶ root header section (kept) ──▶ text (returned to the caller, not kept)
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

/// Maximum size of a message's header section in octets.
pub const MAX_HEADER: usize = 128 * 1024;
/// Maximum number of body parts; further octets belong to the last.
pub const MAX_PARTS: usize = 2_000;
/// Maximum nesting of parts; deeper content is opaque.
pub const MAX_DEPTH: usize = 100;

/// Maximum size of a summary on the wire in octets, for any message. Strings of a structure or an envelope
/// beyond their share are omitted.
pub const MAX_SUMMARY: usize = 2 * 1024 * 1024;

/// Version of the results of [`Scanner`]: raised when the summary of any message differs from that of the
/// previous version.
pub const SCANNER_VERSION: u32 = 1;

/// The reason why a message is not accepted.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum ScanError {
    /// Its header section is larger than [`MAX_HEADER`].
    #[error("the header section is larger than {MAX_HEADER} octets")]
    HeaderTooLarge,
}

/// A complete message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// The header section with its final empty line, which is added if it is missing.
    pub header: Bytes,
    /// The computed summary.
    pub summary: Summary,
}

/// Reads a message in pieces. Lines may end in CRLF or LF.
#[derive(Debug)]
pub struct Scanner {
    lines: HeaderLines,
    /// Present after the header section.
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

    /// Takes the next piece and returns the octets of it that belong to the text. The caller keeps the
    /// text.
    ///
    /// # Errors
    /// [`ScanError::HeaderTooLarge`]; the scanner is unusable afterwards.
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

    /// The header section so far.
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

    /// Whether the summary depends on the octets of the text, not only on its size and lines. Known after
    /// the header section.
    #[must_use]
    pub fn needs_text(&self) -> bool {
        self.text.as_ref().is_none_or(Walker::needs_text)
    }

    /// Replaces a text of this many octets and lines, if [`needs_text`](Self::needs_text) is false; the
    /// message then ends.
    pub fn skip_text(&mut self, octets: u64, lines: u64) {
        if let Some(walker) = &mut self.text {
            walker.skip(octets, lines);
        }
    }

    /// Ends the message.
    ///
    /// # Errors
    /// None at present: everything that [`push`](Self::push) accepted can be summarised.
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
