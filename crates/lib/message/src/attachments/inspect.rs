//! All running inspections: the current part of the walk, and earlier parts that continue for some client.

use std::sync::Arc;

use super::Blocklist;
use super::content::{Content, Encoding, Match, by_header};
use super::delimiters::Delimiter;
use super::finding::{Blocked, Finding};
use super::header::PartHeader;
use super::walk::{Sink, Walk};
use super::zip::{Budget, TooMuch};
use crate::HeaderLines;

/// Maximum nesting of encoded multiparts and messages.
const MAX_NESTED: usize = 3;
/// Maximum number of parts with an uncertain end.
const MAX_DOUBTFUL: usize = 8;

const TOO_MUCH: Blocked = Blocked::Unclear("its archives hold more than is looked at");
const TOO_DEEP: Blocked =
    Blocked::Unclear("it has encoded messages within each other, deeper than is looked at");
const NO_FIELD: Blocked =
    Blocked::Unclear("the header section of a multipart holds lines that are no fields");
const TOO_DOUBTFUL: Blocked = Blocked::Unclear("where its parts end can be read in many ways");

/// The running inspections.
pub(super) struct Inspection {
    blocklist: Arc<dyn Blocklist>,
    depth: usize,
    budget: Budget,
    current: Vec<Part>,
    doubtful: Vec<Part>,
    /// There were parts that continue for some client.
    pub(super) has_doubt: bool,
}

/// A finding, and whether it is outside the part after the last header section.
pub(super) struct Found {
    pub(super) finding: Finding,
    pub(super) is_apart: bool,
}

/// A part under one reading of its encoding.
struct Part {
    name: String,
    content: Content,
    /// Encoded content that contains parts.
    nested: Option<Box<Nested>>,
    /// Text without a name: its end does not matter.
    is_plain: bool,
    /// A message in it has begun, or it began before its header section was complete: it is not the part
    /// after the last header section.
    is_outer: bool,
}

struct Nested {
    walk: Walk,
    inspection: Inspector,
}

/// An inspection that stops at the first finding.
struct Inspector(Inspection);

impl Inspection {
    pub(super) fn new(blocklist: Arc<dyn Blocklist>) -> Self {
        Self::at(blocklist, 0)
    }

    fn at(blocklist: Arc<dyn Blocklist>, depth: usize) -> Self {
        Self {
            blocklist,
            depth,
            budget: Budget::default(),
            current: Vec::new(),
            doubtful: Vec::new(),
            has_doubt: false,
        }
    }

    /// Starts a header section: inspects it, and prepares the inspection of its body.
    pub(super) fn header(
        &mut self,
        raw: &[u8],
        header: &PartHeader,
    ) -> Result<Option<Found>, Blocked> {
        if let Some(reason) = header.unclear.or(header.unclear_body) {
            return Err(Blocked::Unclear(reason));
        }
        // If the previous part has not ended, this is the header section of a message in it.
        for part in &mut self.current {
            part.is_outer = true;
        }
        if let Some(found) = self.body(raw)? {
            return Ok(Some(found));
        }
        let early = early_body(raw);
        // That content stays even if the part after the header section is removed.
        self.has_doubt |= early.is_some();
        // Some clients decode a message that is declared as encoded, others do not: a removal for the
        // former may leave the attachment for the latter.
        self.has_doubt |= header.is_message && header.encodings.any();
        if let Some(finding) = by_header(&header.names, &header.types, &*self.blocklist) {
            return Ok(Some(Found {
                finding,
                is_apart: false,
            }));
        }
        self.begin(header)?;
        match early {
            Some((fields, body)) => self.begin_early(fields, body),
            None => Ok(None),
        }
    }

    /// Starts the inspection of the body under each encoding.
    fn begin(&mut self, header: &PartHeader) -> Result<(), Blocked> {
        let encodings = header.encodings;
        for (wanted, encoding) in [
            (encodings.other, Encoding::Identity),
            (encodings.base64, Encoding::Base64),
            (encodings.quoted_printable, Encoding::QuotedPrintable),
        ] {
            if wanted {
                let part = self.part(header, encoding)?;
                self.current.push(part);
            }
        }
        Ok(())
    }

    /// For some clients the body begins within the others' header section.
    fn begin_early(&mut self, fields: &[u8], body: &[u8]) -> Result<Option<Found>, Blocked> {
        let header = PartHeader::read(fields, false);
        // A returned message is often truncated within the name of a field.
        if header.is_multipart && has_dashes(body) {
            return Err(NO_FIELD);
        }
        let known = self.current.len();
        self.begin(&header)?;
        for part in &mut self.current[known..] {
            part.is_outer = true;
            if let Some(finding) = part.push(body, &*self.blocklist, &mut self.budget)? {
                return Ok(Some(Found {
                    finding,
                    is_apart: true,
                }));
            }
        }
        Ok(None)
    }

    fn part(&self, header: &PartHeader, encoding: Encoding) -> Result<Part, Blocked> {
        let is_file = !header.is_composite() && header.is_file_of_message();
        let is_nested = is_file || header.is_composite() && encoding != Encoding::Identity;
        if is_nested && self.depth >= MAX_NESTED {
            return Err(TOO_DEEP);
        }
        let nested = if is_nested {
            let walk = if header.is_multipart {
                Walk::of_multipart(&header.boundaries, header.is_digest)?
            } else {
                Walk::of_message()
            };
            let inspection = Self::at(Arc::clone(&self.blocklist), self.depth + 1);
            Some(Box::new(Nested {
                walk,
                inspection: Inspector(inspection),
            }))
        } else {
            None
        };
        let is_text = header.is_text();
        // Some clients look for uuencode in everything that is not an image. A multipart without parts is
        // shown as text, and so is the text before its first part.
        let may_be_uuencoded = if header.is_composite() {
            is_text || (header.is_multipart && encoding == Encoding::Identity)
        } else {
            true
        };
        Ok(Part {
            is_outer: false,
            name: header.shown_name(),
            content: Content::new(encoding, may_be_uuencoded),
            nested,
            is_plain: header.names.is_empty() && (is_text || header.is_composite()),
        })
    }

    /// Inspects the next octets of the body.
    pub(super) fn body(&mut self, octets: &[u8]) -> Result<Option<Found>, Blocked> {
        if let Some(found) = self.doubtful(octets)? {
            return Ok(Some(found));
        }
        for part in &mut self.current {
            if let Some(finding) = part.push(octets, &*self.blocklist, &mut self.budget)? {
                let is_apart = part.is_outer;
                return Ok(Some(Found { finding, is_apart }));
            }
        }
        Ok(None)
    }

    /// Octets that belong only to the parts with an uncertain end.
    pub(super) fn doubtful(&mut self, octets: &[u8]) -> Result<Option<Found>, Blocked> {
        for part in &mut self.doubtful {
            if let Some(finding) = part.push(octets, &*self.blocklist, &mut self.budget)? {
                return Ok(Some(Found {
                    finding,
                    is_apart: true,
                }));
            }
        }
        Ok(None)
    }

    /// A delimiter: the part ends, at least for some clients.
    pub(super) fn delimiter(
        &mut self,
        line: &[u8],
        delimiter: Delimiter,
    ) -> Result<Option<Found>, Blocked> {
        let is_doubtful = delimiter == Delimiter::Doubtful;
        self.has_doubt |= is_doubtful;
        for mut part in std::mem::take(&mut self.current) {
            if is_doubtful && !part.is_plain {
                self.doubtful.push(part);
            } else if let Some(finding) = part.finish(&*self.blocklist, &mut self.budget)? {
                let is_apart = part.is_outer;
                return Ok(Some(Found { finding, is_apart }));
            }
        }
        if self.doubtful.len() > MAX_DOUBTFUL {
            return Err(TOO_DOUBTFUL);
        }
        self.doubtful(line)
    }

    /// Ends the message.
    pub(super) fn finish(&mut self) -> Result<Option<Found>, Blocked> {
        for (is_doubtful, parts) in [(true, &mut self.doubtful), (false, &mut self.current)] {
            for part in parts {
                if let Some(finding) = part.finish(&*self.blocklist, &mut self.budget)? {
                    let is_apart = is_doubtful || part.is_outer;
                    return Ok(Some(Found { finding, is_apart }));
                }
            }
        }
        Ok(None)
    }
}

/// If a line of a header section is no field, some clients begin the body there: returns the fields before
/// it, and the body so far.
fn early_body(header: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = HeaderLines::new().push(header)?;
    let begun = end.text.len();
    (begun > 0).then(|| header.split_at(end.taken - begun))
}

/// Whether a part may begin in a text.
fn has_dashes(text: &[u8]) -> bool {
    let mut lines = text.split(|octet| *octet == b'\n');
    lines.any(|line| line.trim_ascii_start().starts_with(b"--"))
}

impl Part {
    fn push(
        &mut self,
        octets: &[u8],
        blocklist: &dyn Blocklist,
        budget: &mut Budget,
    ) -> Result<Option<Finding>, Blocked> {
        if let Some(found) = self.content.push(octets, blocklist, budget)? {
            return Ok(Some(self.finding(found)));
        }
        if let Some(nested) = &mut self.nested {
            let decoded = self.content.decoded(octets);
            return nested.within(budget, |nested| {
                first(nested.walk.push(decoded, &mut nested.inspection))
            });
        }
        Ok(None)
    }

    fn finish(
        &mut self,
        blocklist: &dyn Blocklist,
        budget: &mut Budget,
    ) -> Result<Option<Finding>, Blocked> {
        if let Some(found) = self.content.finish(blocklist, budget)? {
            return Ok(Some(self.finding(found)));
        }
        if let Some(nested) = &mut self.nested {
            return nested.within(budget, |nested| {
                let found = first(nested.walk.finish(&mut nested.inspection))?;
                if found.is_some() {
                    return Ok(found);
                }
                Ok(nested.inspection.0.finish()?.map(|found| found.finding))
            });
        }
        Ok(None)
    }

    fn finding(&self, (seen, pattern): Match) -> Finding {
        Finding {
            attachment: self.name.clone(),
            seen,
            pattern,
        }
    }
}

impl Nested {
    /// The whole message has one budget, at every nesting.
    fn within<T>(&mut self, budget: &mut Budget, look: impl FnOnce(&mut Self) -> T) -> T {
        std::mem::swap(budget, &mut self.inspection.0.budget);
        let seen = look(self);
        std::mem::swap(budget, &mut self.inspection.0.budget);
        seen
    }
}

/// The finding that stopped a nested walk.
fn first(walked: Result<(), Blocked>) -> Result<Option<Finding>, Blocked> {
    match walked {
        Ok(()) => Ok(None),
        Err(Blocked::Attachment { finding, .. }) => Ok(Some(finding)),
        Err(unclear) => Err(unclear),
    }
}

impl Sink for Inspector {
    fn header(&mut self, raw: &[u8], header: PartHeader) -> Result<(), Blocked> {
        stop(self.0.header(raw, &header)?)
    }

    fn body(&mut self, octets: &[u8]) -> Result<(), Blocked> {
        stop(self.0.body(octets)?)
    }

    fn delimiter(&mut self, line: &[u8], delimiter: Delimiter) -> Result<(), Blocked> {
        stop(self.0.delimiter(line, delimiter)?)
    }

    fn delimiter_goes_on(&mut self, octets: &[u8]) -> Result<(), Blocked> {
        stop(self.0.doubtful(octets)?)
    }
}

fn stop(found: Option<Found>) -> Result<(), Blocked> {
    found.map_or(Ok(()), |found| Err(Blocked::found(found.finding)))
}

impl From<TooMuch> for Blocked {
    fn from(_: TooMuch) -> Self {
        TOO_MUCH
    }
}
