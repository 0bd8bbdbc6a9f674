//! Sections of a message: `section` and `partial`.

use std::num::NonZeroU32;

use bytes::{BufMut, Bytes};

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};
use crate::wire::{Side, put_astring, put_number};

/// `section-text`: the text within the part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionText {
    /// `HEADER`
    Header,
    /// `HEADER.FIELDS (…)`
    HeaderFields(Vec<Bytes>),
    /// `HEADER.FIELDS.NOT (…)`
    HeaderFieldsNot(Vec<Bytes>),
    /// `TEXT`
    Text,
}

/// `section-spec`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section {
    /// `[]`: the whole message.
    Whole,
    /// `[HEADER]` and similar, of the message.
    Message(SectionText),
    /// `[1.2]`: a part's body.
    Part(Vec<NonZeroU32>),
    /// `[1.2.MIME]`: a part's MIME header.
    Mime(Vec<NonZeroU32>),
    /// `[1.2.HEADER]` and similar, of a message within the message.
    Nested(Vec<NonZeroU32>, SectionText),
}

/// `partial`: a range of octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial {
    /// The first octet.
    pub offset: u32,
    /// The maximum number of octets.
    pub length: NonZeroU32,
}

const DEEPEST: usize = 100;

/// Each is looked up among all fields of a header section.
const MOST_NAMES: usize = 100;

impl Section {
    /// Parses the text between `[` and `]`, and the `]`.
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        let mut path = Vec::new();
        while cursor.peek().is_some_and(|octet| octet.is_ascii_digit()) {
            let number =
                NonZeroU32::new(cursor.number()?).ok_or(CommandError::Expected("a part number"))?;
            if path.len() >= DEEPEST {
                return Err(CommandError::TooDeep);
            }
            path.push(number);
            if !cursor.eat(b'.') {
                cursor.expect(b']', "the end of the section")?;
                return Ok(Self::Part(path));
            }
        }
        if path.is_empty() && cursor.eat(b']') {
            return Ok(Self::Whole);
        }
        let word = cursor.take_while(|octet| octet.is_ascii_alphabetic() || octet == b'.');
        let section = match word.to_ascii_uppercase().as_slice() {
            b"MIME" if !path.is_empty() => Self::Mime(path),
            b"HEADER" => Self::with(path, SectionText::Header),
            b"TEXT" => Self::with(path, SectionText::Text),
            b"HEADER.FIELDS" => Self::with(path, SectionText::HeaderFields(names(cursor)?)),
            b"HEADER.FIELDS.NOT" => Self::with(path, SectionText::HeaderFieldsNot(names(cursor)?)),
            _ => return Err(CommandError::Expected("a section")),
        };
        cursor.expect(b']', "the end of the section")?;
        Ok(section)
    }

    fn with(path: Vec<NonZeroU32>, text: SectionText) -> Self {
        if path.is_empty() {
            Self::Message(text)
        } else {
            Self::Nested(path, text)
        }
    }

    /// Writes the section with its brackets.
    pub fn write(&self, out: &mut impl BufMut, side: Side) {
        out.put_u8(b'[');
        match self {
            Self::Whole => {}
            Self::Message(text) => text.write(out, side),
            Self::Part(path) => put_path(out, path),
            Self::Mime(path) => {
                put_path(out, path);
                out.put_slice(b".MIME");
            }
            Self::Nested(path, text) => {
                put_path(out, path);
                out.put_u8(b'.');
                text.write(out, side);
            }
        }
        out.put_u8(b']');
    }
}

impl SectionText {
    fn write(&self, out: &mut impl BufMut, side: Side) {
        let (word, names) = match self {
            Self::Header => ("HEADER", None),
            Self::Text => ("TEXT", None),
            Self::HeaderFields(names) => ("HEADER.FIELDS", Some(names)),
            Self::HeaderFieldsNot(names) => ("HEADER.FIELDS.NOT", Some(names)),
        };
        out.put_slice(word.as_bytes());
        let Some(names) = names else { return };
        for (index, name) in names.iter().enumerate() {
            out.put_slice(if index == 0 { b" (" } else { b" " });
            put_astring(out, name, side);
        }
        out.put_u8(b')');
    }
}

fn names(cursor: &mut Cursor) -> Result<Vec<Bytes>> {
    cursor.space()?;
    let names = cursor.list(Cursor::astring)?;
    if names.is_empty() {
        return Err(CommandError::Expected("a header field name"));
    }
    if names.len() > MOST_NAMES {
        return Err(CommandError::Expected("fewer header field names"));
    }
    Ok(names)
}

fn put_path(out: &mut impl BufMut, path: &[NonZeroU32]) {
    for (index, number) in path.iter().enumerate() {
        if index > 0 {
            out.put_u8(b'.');
        }
        put_number(out, u64::from(number.get()));
    }
}

impl Partial {
    /// `"<" number "." nz-number ">"`, if present.
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Option<Self>> {
        if !cursor.eat(b'<') {
            return Ok(None);
        }
        let offset = cursor.number()?;
        cursor.expect(b'.', "a dot")?;
        let length =
            NonZeroU32::new(cursor.number()?).ok_or(CommandError::Expected("a length above 0"))?;
        cursor.expect(b'>', "the end of the partial")?;
        Ok(Some(Self { offset, length }))
    }
}
