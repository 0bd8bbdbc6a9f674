//! The open multiparts and messages, and their delimiters.

use super::Unconvertible;
use super::header::PartHeader;
use crate::mime::{Boundaries, Hit};
use crate::{MAX_DEPTH, MAX_PARTS};

/// The open parts.
#[derive(Debug, Default)]
pub(super) struct Structure {
    /// Outermost first; the index is the depth of a boundary.
    open: Vec<Open>,
    boundaries: Boundaries,
    parts: usize,
}

#[derive(Debug)]
struct Open {
    is_digest: bool,
    /// Its content must stay unchanged.
    is_sealed: bool,
}

/// The kind of body after a header section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    Parts,
    Message,
    Content,
}

impl Structure {
    /// Whether parts without a type are messages.
    pub(super) fn in_digest(&self) -> bool {
        self.open.last().is_some_and(|open| open.is_digest)
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.open.last().is_some_and(|open| open.is_sealed)
    }

    /// Whether any line can be a delimiter.
    pub(super) fn has_delimiters(&self) -> bool {
        !self.boundaries.is_empty()
    }

    /// Matches a whole line against the delimiters.
    pub(super) fn delimiter(&self, line: &[u8]) -> Option<Hit> {
        self.boundaries.matches(line)
    }

    pub(super) fn may_become_delimiter(&self, start: &[u8]) -> bool {
        self.boundaries.may_match(start)
    }

    /// Counts another part.
    pub(super) fn count(&mut self) -> Result<(), Unconvertible> {
        self.parts += 1;
        if self.parts >= MAX_PARTS {
            return Err(Unconvertible::TooManyParts);
        }
        Ok(())
    }

    /// Starts the body after this header section.
    pub(super) fn enter(&mut self, header: &PartHeader) -> Result<Inside, Unconvertible> {
        let kind = &header.mime.media_type;
        let is_sealed = kind.is("multipart", "signed") || kind.is("multipart", "encrypted");
        let open = Open {
            is_digest: kind.is("multipart", "digest"),
            is_sealed: is_sealed || self.is_sealed(),
        };
        if header.is_multipart() {
            let Some(boundary) = header.mime.boundary().filter(|one| Boundaries::takes(one)) else {
                // Readers treat it as text (RFC 2045 §5.2), which must not be encoded.
                return if header.is_binary {
                    Err(Unconvertible::NoBoundary)
                } else {
                    Ok(Inside::Content)
                };
            };
            self.boundaries.add(boundary, self.open.len());
            self.open(open)?;
            return Ok(Inside::Parts);
        }
        if header.is_message() {
            self.open(open)?;
            return Ok(Inside::Message);
        }
        Ok(Inside::Content)
    }

    fn open(&mut self, open: Open) -> Result<(), Unconvertible> {
        self.open.push(open);
        if self.open.len() >= MAX_DEPTH {
            return Err(Unconvertible::TooDeep);
        }
        Ok(())
    }

    /// Handles a delimiter: inner parts end, and the multipart too if the delimiter closes it.
    pub(super) fn leave(&mut self, hit: Hit) {
        let left = hit.depth + usize::from(!hit.closes);
        self.open.truncate(left);
        self.boundaries.drop_from(left);
    }
}
