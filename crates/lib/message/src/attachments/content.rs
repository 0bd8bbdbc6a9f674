//! Inspects the content of one part, under one reading of its transfer encoding.

use super::finding::Seen;
use super::magic::{self, MAX_HEAD};
use super::names;
use super::uuencode::{Piece, Uuencoded};
use super::zip::{Budget, TooMuch, ZipNames};
use super::{Blocklist, Finding};
use crate::decode::TransferDecoder;

/// A reading of a body's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Self::Identity => "8bit",
            Self::Base64 => "base64",
            Self::QuotedPrintable => "quoted-printable",
        }
    }
}

/// The blocked property of a content, and the matching pattern.
pub(super) type Match = (Seen, String);

#[derive(Debug)]
struct File {
    name: String,
    content: Content,
}

/// The inspection of a content.
#[derive(Debug)]
pub(super) struct Content {
    encoding: Encoding,
    decoder: TransferDecoder,
    decoded: Vec<u8>,
    /// The first octets, decoded, until they have been inspected.
    head: Option<Vec<u8>>,
    /// The first octets, undecoded: base64 can be read in two ways.
    raw_head: Vec<u8>,
    zip: ZipNames,
    uuencoded: Option<Uuencoded>,
    /// The uuencoded file in progress.
    file: Option<Box<File>>,
    found: Vec<String>,
}

impl Content {
    pub(super) fn new(encoding: Encoding, may_be_uuencoded: bool) -> Self {
        Self {
            encoding,
            decoder: TransferDecoder::new(encoding.name()),
            decoded: Vec::new(),
            head: Some(Vec::new()),
            raw_head: Vec::new(),
            zip: ZipNames::default(),
            uuencoded: may_be_uuencoded.then(Uuencoded::default),
            file: None,
            found: Vec::new(),
        }
    }

    /// Inspects the next octets of the body.
    pub(super) fn push(
        &mut self,
        octets: &[u8],
        blocklist: &dyn Blocklist,
        budget: &mut Budget,
    ) -> Result<Option<Match>, TooMuch> {
        if self.encoding == Encoding::Identity {
            return self.look(octets, blocklist, budget);
        }
        if self.head.is_some() && self.raw_head.len() < MAX_HEAD {
            let room = (MAX_HEAD - self.raw_head.len()).min(octets.len());
            self.raw_head.extend_from_slice(&octets[..room]);
        }
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.clear();
        self.decoder.push(octets, &mut decoded);
        let result = self.look(&decoded, blocklist, budget);
        self.decoded = decoded;
        result
    }

    /// These last octets without their encoding.
    pub(super) fn decoded<'a>(&'a self, octets: &'a [u8]) -> &'a [u8] {
        match self.encoding {
            Encoding::Identity => octets,
            _ => &self.decoded,
        }
    }

    /// Ends the body.
    pub(super) fn finish(
        &mut self,
        blocklist: &dyn Blocklist,
        budget: &mut Budget,
    ) -> Result<Option<Match>, TooMuch> {
        if let Some(head) = self.head.take()
            && let Some(found) = self.by_head(&head, blocklist)
        {
            return Ok(Some(found));
        }
        let Some(uuencoded) = &mut self.uuencoded else {
            return Ok(None);
        };
        let mut pieces = Vec::new();
        uuencoded.finish(&mut pieces);
        let found = self.look_at_files(pieces, blocklist, budget)?;
        Ok(found.or(self.end_file(blocklist)))
    }

    fn look(
        &mut self,
        octets: &[u8],
        blocklist: &dyn Blocklist,
        budget: &mut Budget,
    ) -> Result<Option<Match>, TooMuch> {
        if let Some(found) = self.look_at_head(octets, blocklist) {
            return Ok(Some(found));
        }
        // Findings before the limit was exceeded count.
        let looked_at = self.zip.push(octets, budget, &mut self.found);
        let entry = self
            .found
            .drain(..)
            .find_map(|name| by_name(&name, blocklist, Seen::Entry));
        if entry.is_some() {
            return Ok(entry);
        }
        looked_at?;
        let Some(uuencoded) = &mut self.uuencoded else {
            return Ok(None);
        };
        let mut pieces = Vec::new();
        uuencoded.push(octets, &mut pieces);
        self.look_at_files(pieces, blocklist, budget)
    }

    /// Inspects the name and the content of uuencoded files.
    fn look_at_files(
        &mut self,
        pieces: Vec<Piece>,
        blocklist: &dyn Blocklist,
        budget: &mut Budget,
    ) -> Result<Option<Match>, TooMuch> {
        for piece in pieces {
            let found = match piece {
                Piece::File(name) => {
                    let found = self
                        .end_file(blocklist)
                        .or_else(|| by_name(&name, blocklist, Seen::Uuencoded));
                    let content = Self::new(Encoding::Identity, false);
                    self.file = Some(Box::new(File { name, content }));
                    found
                }
                Piece::Octets(octets) => match &mut self.file {
                    Some(file) => {
                        let found = file.content.look(&octets, blocklist, budget)?;
                        found.map(|found| file.found(found))
                    }
                    None => None,
                },
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn end_file(&mut self, blocklist: &dyn Blocklist) -> Option<Match> {
        let file = self.file.take()?;
        let head = file.content.head.as_deref()?;
        let found = file.content.by_head(head, blocklist)?;
        Some(file.found(found))
    }

    fn look_at_head(&mut self, octets: &[u8], blocklist: &dyn Blocklist) -> Option<Match> {
        let head = self.head.as_mut()?;
        let room = (MAX_HEAD - head.len()).min(octets.len());
        head.extend_from_slice(&octets[..room]);
        if head.len() < MAX_HEAD {
            return None;
        }
        let head = self.head.take()?;
        self.by_head(&head, blocklist)
    }

    fn by_head(&self, head: &[u8], blocklist: &dyn Blocklist) -> Option<Match> {
        by_type(head, blocklist).or_else(|| {
            if self.encoding != Encoding::Base64 {
                return None;
            }
            // Padding in the middle starts a new text for some decoders, and is ignored by others.
            let dense: Vec<u8> = self
                .raw_head
                .iter()
                .copied()
                .filter(|&b| b != b'=')
                .collect();
            let mut decoded = Vec::new();
            TransferDecoder::new("base64").push(&dense, &mut decoded);
            by_type(&decoded, blocklist)
        })
    }
}

impl File {
    fn found(&self, (_, pattern): Match) -> Match {
        (Seen::Uuencoded(self.name.clone()), pattern)
    }
}

fn by_type(head: &[u8], blocklist: &dyn Blocklist) -> Option<Match> {
    magic::types(head).find_map(|media_type| {
        let pattern = blocklist.media_type(media_type)?;
        Some((Seen::ContentType(media_type), pattern))
    })
}

fn by_name(name: &str, blocklist: &dyn Blocklist, seen: fn(String) -> Seen) -> Option<Match> {
    let mut spellings = Vec::new();
    names::of_text(name, &mut spellings);
    spellings.into_iter().find_map(|name| {
        let pattern = blocklist.name(&name)?;
        Some((seen(name), pattern))
    })
}

/// The findings from the header alone.
pub(super) fn by_header(
    names: &[String],
    types: &[String],
    blocklist: &dyn Blocklist,
) -> Option<Finding> {
    let attachment = names.first().cloned().unwrap_or_default();
    let name = names.iter().find_map(|name| {
        Some(Finding {
            attachment: name.clone(),
            seen: Seen::Name,
            pattern: blocklist.name(name)?,
        })
    });
    name.or_else(|| {
        types.iter().find_map(|media_type| {
            Some(Finding {
                attachment: attachment.clone(),
                seen: Seen::DeclaredType(media_type.clone()),
                pattern: blocklist.media_type(media_type)?,
            })
        })
    })
}
