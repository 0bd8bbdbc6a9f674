//! The lines between parts, as the strictest and the most lenient client read them.

use super::awaited::Awaited;
use super::finding::Blocked;

/// Longer boundaries are truncated: the line begins with the truncated one anyway.
const MAX_BOUNDARY: usize = 250;
/// Maximum number of boundaries in a message.
const MAX_BOUNDARIES: usize = 1_000;

/// The part of a line needed to classify it.
pub(super) const MAX_LINE: usize = MAX_BOUNDARY + 64;

/// The boundaries declared so far. They stay in force to the end of the message, as some clients continue
/// after the last delimiter.
#[derive(Debug, Default)]
pub(super) struct Delimiters {
    /// Sorted by octets.
    known: Vec<Vec<u8>>,
    /// The open multiparts according to the standard, outermost first.
    open: Vec<Open>,
    /// The multipart whose first part has not begun.
    awaited: Option<Awaited>,
}

#[derive(Debug)]
struct Open {
    boundary: Vec<u8>,
    digest: bool,
    /// It was declared unambiguously.
    sure: bool,
}

const TOO_MANY: Blocked = Blocked::Unclear("it declares more boundaries than are kept");
/// Some client may read a boundary that is not known here.
const NEVER_FOUND: Blocked =
    Blocked::Unclear("a multipart has a text in which its boundary is not found");

/// The reading of a delimiter line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// Every client sees the end of the previous part.
    Sure,
    /// Only some clients do.
    Doubtful,
}

impl Delimiters {
    /// Whether no line can be a delimiter.
    pub(super) fn none(&self) -> bool {
        self.known.is_empty()
    }

    /// Starts a multipart. `boundaries` are the possible readings of its header.
    pub(super) fn open(&mut self, boundaries: &[Vec<u8>], digest: bool) -> Result<(), Blocked> {
        self.settle(None)?;
        let cut = |boundary: &Vec<u8>| boundary[..boundary.len().min(MAX_BOUNDARY)].to_vec();
        self.awaited = Some(Awaited::new(boundaries.iter().map(cut).collect()));
        for boundary in boundaries {
            let boundary = &boundary[..boundary.len().min(MAX_BOUNDARY)];
            self.learn(boundary)?;
            self.open.push(Open {
                boundary: boundary.to_vec(),
                digest,
                sure: boundaries.len() == 1,
            });
        }
        Ok(())
    }

    /// Text before the next delimiter.
    pub(super) fn text(&mut self, octets: &[u8]) {
        if let Some(awaited) = &mut self.awaited {
            awaited.text(octets);
        }
    }

    /// Starts a part.
    pub(super) fn begun(&mut self) {
        self.awaited = None;
    }

    /// Ends the text.
    pub(super) fn finish(&mut self) -> Result<(), Blocked> {
        self.settle(None)
    }

    fn settle(&mut self, found: Option<&[u8]>) -> Result<(), Blocked> {
        match self.awaited.take() {
            Some(awaited) if !awaited.is(found) && awaited.may_have_begun() => Err(NEVER_FOUND),
            _ => Ok(()),
        }
    }

    fn learn(&mut self, boundary: &[u8]) -> Result<(), Blocked> {
        if let Err(at) = self
            .known
            .binary_search_by(|known| known.as_slice().cmp(boundary))
        {
            if self.known.len() >= MAX_BOUNDARIES {
                return Err(TOO_MANY);
            }
            self.known.insert(at, boundary.to_vec());
        }
        Ok(())
    }

    /// Whether parts without a type are messages here, or may be read as messages.
    pub(super) fn in_digest(&self) -> bool {
        self.open.last().is_some_and(|open| open.digest)
    }

    /// Classifies a line (or its first [`MAX_LINE`] octets).
    pub(super) fn read(&mut self, line: &[u8]) -> Result<Option<Delimiter>, Blocked> {
        let Some(rest) = line.strip_prefix(b"--") else {
            return Ok(None);
        };
        let rest = rest.trim_ascii_end();
        let Some(boundary) = self.longest_prefix(rest) else {
            return Ok(None);
        };
        let found = self.known[boundary.index].clone();
        self.settle(Some(&found))?;
        let after = &rest[boundary.len()..];
        let at = self.open.iter().rposition(|open| open.boundary == found);
        let sure = match (after, at) {
            (b"" | b"--", Some(at)) => {
                let sure = at + 1 == self.open.len() && self.open[at].sure;
                self.open.truncate(at + usize::from(after.is_empty()));
                sure
            }
            _ => false,
        };
        Ok(Some(if sure {
            Delimiter::Sure
        } else {
            Delimiter::Doubtful
        }))
    }

    /// The longest known boundary that the text begins with. In sorted order the candidates are before the
    /// text; if the nearest entry is not a prefix, no longer candidate exists than their common prefix.
    fn longest_prefix(&self, text: &[u8]) -> Option<Known> {
        let mut text = text;
        loop {
            let behind = self.known.partition_point(|known| known.as_slice() <= text);
            let index = behind.checked_sub(1)?;
            let candidate = self.known.get(index)?;
            let common = candidate
                .iter()
                .zip(text)
                .take_while(|(one, other)| one == other)
                .count();
            if common == candidate.len() {
                return Some(Known {
                    index,
                    length: common,
                });
            }
            text = &text[..common];
        }
    }
}

struct Known {
    index: usize,
    length: usize,
}

impl Known {
    fn len(&self) -> usize {
        self.length
    }
}
