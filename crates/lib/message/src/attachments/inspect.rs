//! Everything that is being looked at: the part that the walk is in, and parts that some client
//! might see go on.

use std::sync::Arc;

use super::Blocklist;
use super::content::{Content, Encoding, Match, by_header};
use super::delimiters::Delimiter;
use super::finding::{Blocked, Finding};
use super::header::PartHeader;
use super::walk::{Sink, Walk};
use super::zip::{Budget, TooMuch};
use crate::HeaderLines;

/// Encoded multiparts and messages within each other.
const MAX_NESTED: usize = 3;
/// Parts whose end is in doubt.
const MAX_DOUBTFUL: usize = 8;

const TOO_MUCH: Blocked = Blocked::Unclear("its archives hold more than is looked at");
const TOO_DEEP: Blocked =
    Blocked::Unclear("it has encoded messages within each other, deeper than is looked at");
const NO_FIELD: Blocked =
    Blocked::Unclear("the header section of a multipart holds lines that are no fields");
const TOO_DOUBTFUL: Blocked = Blocked::Unclear("where its parts end can be read in many ways");

/// See the module.
pub(super) struct Inspection {
    blocklist: Arc<dyn Blocklist>,
    depth: usize,
    budget: Budget,
    current: Vec<Part>,
    doubtful: Vec<Part>,
    /// Parts of which some client may think that they go on were seen.
    pub(super) has_doubt: bool,
}

/// A finding, and whether it is elsewhere than in the part behind the last header section.
pub(super) struct Found {
    pub(super) finding: Finding,
    pub(super) is_apart: bool,
}

/// A part under one reading of its encoding.
struct Part {
    name: String,
    content: Content,
    /// What is encoded holds parts.
    nested: Option<Box<Nested>>,
    /// Text without a name: where it ends matters to nobody.
    is_plain: bool,
    /// A message in it has begun, or it has begun before its header section was over: it is not
    /// what stands behind the last header section.
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

    /// A header section: what it says itself, and how the body behind it is looked at.
    pub(super) fn header(
        &mut self,
        raw: &[u8],
        header: &PartHeader,
    ) -> Result<Option<Found>, Blocked> {
        if let Some(reason) = header.unclear {
            return Err(Blocked::Unclear(reason));
        }
        // Where the part before is not over, this is the header section of a message in it.
        for part in &mut self.current {
            part.is_outer = true;
        }
        if let Some(found) = self.body(raw)? {
            return Ok(Some(found));
        }
        let early = early_body(raw);
        // What is begun there stays where what is behind the header section is taken out.
        self.has_doubt |= early.is_some();
        // Some clients read a message that says it is encoded as it stands, others decoded: what is
        // taken out for the ones may stay for the others.
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

    /// The body is looked at under each encoding.
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

    /// For some clients the body has begun within what others take for the header section.
    fn begin_early(&mut self, fields: &[u8], body: &[u8]) -> Result<Option<Found>, Blocked> {
        let header = PartHeader::read(fields, false);
        if header.is_multipart {
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
        // Some clients look for uuencode in whatever is no picture. A multipart without parts is shown
        // as a text, and what stands before the first of them too.
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

    /// The next octets of the body.
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

    /// Octets that only those parts have whose end is in doubt.
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

    /// A delimiter: the part is over, at least for some.
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

    /// The message has ended.
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

/// Where a line of a header section is no field, some clients begin the body there: the fields
/// before it, and that body as far as it has come.
fn early_body(header: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = HeaderLines::new().push(header)?;
    let begun = end.text.len();
    (begun > 0).then(|| header.split_at(end.taken - begun))
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
    /// The whole message has one budget, however its parts are nested.
    fn within<T>(&mut self, budget: &mut Budget, look: impl FnOnce(&mut Self) -> T) -> T {
        std::mem::swap(budget, &mut self.inspection.0.budget);
        let seen = look(self);
        std::mem::swap(budget, &mut self.inspection.0.budget);
        seen
    }
}

/// What a nested walk stopped at.
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
