//! The position of a section's octets, by the part table. Pure.

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::ops::Range;

use api::mailbox::v1::FetchedMessage;
use api::message::v1::Part;
use bytes::Bytes;
use imap_protocol::{Section, SectionText};

/// The position of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Located {
    /// These octets.
    Octets(Bytes),
    /// This range of the message.
    Range(Range<u64>),
    /// Some fields of the header section in this range.
    Fields(Range<u64>, Fields),
    /// There is no such part.
    Nowhere,
}

/// Some fields of a header section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    names: Vec<Bytes>,
    /// All but the named fields.
    others: bool,
}

impl Fields {
    /// The fields, and the empty line that ends every header section (RFC 9051 §6.4.5.1).
    pub(super) fn of(&self, header: &[u8]) -> Bytes {
        let named = |field: &message::header::Field<'_>| {
            self.names
                .iter()
                .any(|name| field.name.eq_ignore_ascii_case(name))
        };
        let mut out = Vec::new();
        for field in message::header::fields(header) {
            if named(&field) != self.others {
                out.extend_from_slice(field.raw);
            }
        }
        out.extend_from_slice(b"\r\n");
        out.into()
    }
}

/// Locates a section.
pub(super) fn locate(section: &Section, message: &FetchedMessage) -> Located {
    match section {
        Section::Whole => Located::Range(0..message.size),
        Section::Message(SectionText::Header) => Located::Octets(message.header.clone()),
        Section::Message(SectionText::Text) => {
            let text = part(&[], message).map_or(0, |root| root.body_start);
            let start = u64::from(message.prefix_size).saturating_add(text);
            Located::Range(start.min(message.size)..message.size)
        }
        Section::Message(SectionText::HeaderFields(names)) => {
            Located::Octets(fields(names, false).of(&message.header))
        }
        Section::Message(SectionText::HeaderFieldsNot(names)) => {
            Located::Octets(fields(names, true).of(&message.header))
        }
        Section::Part(path) => in_part(path, message, |part| part.body_start..part.end),
        Section::Mime(path) => in_part(path, message, |part| part.header_start..part.body_start),
        Section::Nested(path, text) => nested(path, text, message),
    }
}

fn fields(names: &[Bytes], others: bool) -> Fields {
    Fields {
        names: names.to_vec(),
        others,
    }
}

fn part<'a>(path: &[NonZeroU32], message: &'a FetchedMessage) -> Option<&'a Part> {
    let same = |part: &&Part| {
        let numbers = path.iter().map(|number| number.get());
        part.path.iter().copied().eq(numbers)
    };
    message.parts.iter().find(same)
}

fn in_part(
    path: &[NonZeroU32],
    message: &FetchedMessage,
    range: impl Fn(&Part) -> Range<u64>,
) -> Located {
    match part(path, message) {
        Some(part) => Located::Range(shifted(range(part), message)),
        None => Located::Nowhere,
    }
}

/// A range of header and text, moved by the length of the prefix.
fn shifted(range: Range<u64>, message: &FetchedMessage) -> Range<u64> {
    let at = |offset: u64| {
        offset
            .saturating_add(u64::from(message.prefix_size))
            .min(message.size)
    };
    at(range.start)..at(range.end)
}

/// HEADER and TEXT of a part that is itself a message.
fn nested(path: &[NonZeroU32], text: &SectionText, message: &FetchedMessage) -> Located {
    let Some(part) = part(path, message) else {
        return Located::Nowhere;
    };
    let Some(text_start) = part.nested_text_start else {
        return Located::Nowhere;
    };
    let header = shifted(part.body_start..text_start, message);
    match text {
        SectionText::Header => Located::Range(header),
        SectionText::Text => Located::Range(shifted(text_start..part.end, message)),
        SectionText::HeaderFields(names) => Located::Fields(header, fields(names, false)),
        SectionText::HeaderFieldsNot(names) => Located::Fields(header, fields(names, true)),
    }
}
