//! FETCH.

use bytes::{BufMut, BytesMut};

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};
use crate::wire::Side;
use crate::{MessageSet, Partial, Section};

/// `fetch-att`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchItem {
    /// `UID`
    Uid,
    /// `FLAGS`
    Flags,
    /// `INTERNALDATE`
    InternalDate,
    /// `RFC822.SIZE`
    Size,
    /// `ENVELOPE`
    Envelope,
    /// `BODY`: the structure without extension data.
    Body,
    /// `BODYSTRUCTURE`
    BodyStructure,
    /// `BODY[…]` and `BODY.PEEK[…]`
    Section {
        /// The section.
        section: Section,
        /// A range of its octets.
        partial: Option<Partial>,
        /// Do not set `\Seen`.
        peek: bool,
    },
    /// `RFC822` (RFC 3501)
    Rfc822,
    /// `RFC822.HEADER` (RFC 3501)
    Rfc822Header,
    /// `RFC822.TEXT` (RFC 3501)
    Rfc822Text,
}

impl FetchItem {
    const WORDS: [(&'static str, Self); 10] = [
        ("UID", Self::Uid),
        ("FLAGS", Self::Flags),
        ("INTERNALDATE", Self::InternalDate),
        ("RFC822.SIZE", Self::Size),
        ("ENVELOPE", Self::Envelope),
        ("BODYSTRUCTURE", Self::BodyStructure),
        ("RFC822", Self::Rfc822),
        ("RFC822.HEADER", Self::Rfc822Header),
        ("RFC822.TEXT", Self::Rfc822Text),
        ("BODY", Self::Body),
    ];

    /// Whether fetching this sets `\Seen`.
    #[must_use]
    pub fn marks_seen(&self) -> bool {
        matches!(
            self,
            Self::Section { peek: false, .. } | Self::Rfc822 | Self::Rfc822Text
        )
    }

    fn parse(cursor: &mut Cursor) -> Result<Self> {
        let word = item_word(cursor);
        if cursor.eat(b'[') {
            let peek = match word.as_slice() {
                b"BODY" => false,
                b"BODY.PEEK" => true,
                _ => return Err(CommandError::Expected("a fetch item")),
            };
            let section = Section::parse(cursor)?;
            let partial = Partial::parse(cursor)?;
            return Ok(Self::Section {
                section,
                partial,
                peek,
            });
        }
        Self::WORDS
            .into_iter()
            .find(|(name, _)| word == name.as_bytes())
            .map(|(_, item)| item)
            .ok_or(CommandError::Expected("a fetch item"))
    }

    /// Writes the item in command form.
    fn write(&self, out: &mut BytesMut) {
        if let Self::Section {
            section,
            partial,
            peek,
        } = self
        {
            out.put_slice(if *peek { b"BODY.PEEK" } else { b"BODY" });
            section.write(out, Side::Client);
            if let Some(Partial { offset, length }) = partial {
                out.put_slice(format!("<{offset}.{length}>").as_bytes());
            }
            return;
        }
        let word = Self::WORDS.iter().find(|(_, item)| item == self);
        out.put_slice(word.map_or("", |(word, _)| word).as_bytes());
    }
}

fn item_word(cursor: &mut Cursor) -> Vec<u8> {
    cursor
        .take_while(|octet| octet.is_ascii_alphanumeric() || octet == b'.')
        .to_ascii_uppercase()
}

/// Each item may be looked up in the header section of each message.
const MOST_ITEMS: usize = 500;

/// `"FETCH" SP sequence-set SP items`. Macros are expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The messages.
    pub messages: MessageSet,
    /// The items. For a UID command UID is first (RFC 9051 §6.4.9).
    pub items: Vec<FetchItem>,
}

impl Fetch {
    pub(crate) fn parse(cursor: &mut Cursor, uid: bool) -> Result<Self> {
        let messages = MessageSet::parse(cursor, uid)?;
        cursor.space()?;
        let mut items = if cursor.peek() == Some(b'(') {
            cursor.list(FetchItem::parse)?
        } else {
            Self::single(cursor)?
        };
        if items.is_empty() {
            return Err(CommandError::Expected("a fetch item"));
        }
        if items.len() > MOST_ITEMS {
            return Err(CommandError::Expected("fewer fetch items"));
        }
        if uid {
            items.retain(|item| *item != FetchItem::Uid);
            items.insert(0, FetchItem::Uid);
        }
        Ok(Self { messages, items })
    }

    /// One item, or a macro.
    fn single(cursor: &mut Cursor) -> Result<Vec<FetchItem>> {
        use FetchItem::{Body, Envelope, Flags, InternalDate, Size};
        let start = cursor.position();
        match item_word(cursor).as_slice() {
            b"ALL" => Ok(vec![Flags, InternalDate, Size, Envelope]),
            b"FAST" => Ok(vec![Flags, InternalDate, Size]),
            b"FULL" => Ok(vec![Flags, InternalDate, Size, Envelope, Body]),
            _ => {
                cursor.back_to(start);
                Ok(vec![FetchItem::parse(cursor)?])
            }
        }
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        self.messages.write("FETCH", out);
        for (index, item) in self.items.iter().enumerate() {
            out.put_slice(if index == 0 { b" (" } else { b" " });
            item.write(out);
        }
        out.put_slice(b")");
    }
}
