//! CREATE, with CREATE-SPECIAL-USE (RFC 6154 §3).

use bytes::BytesMut;

use super::put_mailbox;
use crate::MailboxName;
use crate::cursor::Cursor;
use crate::error::{CommandError, Result};

/// The special use of a mailbox (RFC 6154 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialUse {
    /// `\All`
    All,
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Flagged`
    Flagged,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    const NAMES: [(Self, &'static str); 7] = [
        (Self::All, "\\All"),
        (Self::Archive, "\\Archive"),
        (Self::Drafts, "\\Drafts"),
        (Self::Flagged, "\\Flagged"),
        (Self::Junk, "\\Junk"),
        (Self::Sent, "\\Sent"),
        (Self::Trash, "\\Trash"),
    ];

    /// The attribute's name, with its backslash.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(this, _)| *this == self)
            .map_or("", |(_, name)| name)
    }

    /// The attribute of this name.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find(|(_, known)| known.as_bytes().eq_ignore_ascii_case(name))
            .map(|(this, _)| this)
    }
}

/// A mailbox to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// Its name.
    pub mailbox: MailboxName,
    /// Its special use.
    pub special_use: Vec<SpecialUse>,
}

impl Create {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        cursor.space()?;
        let mailbox = cursor.mailbox()?;
        let mut special_use = Vec::new();
        if cursor.eat(b' ') {
            cursor.expect(b'(', "a parenthesized list")?;
            if !cursor.eat_word("USE") {
                return Err(CommandError::Expected("USE"));
            }
            cursor.space()?;
            special_use = cursor.list(|cursor| {
                cursor.expect(b'\\', "a special use")?;
                let name = cursor.atom("a special use")?;
                SpecialUse::named(&[b"\\", name.as_ref()].concat())
                    .ok_or(CommandError::Expected("a special use"))
            })?;
            cursor.expect(b')', "the end of the list")?;
        }
        Ok(Self {
            mailbox,
            special_use,
        })
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"CREATE ");
        put_mailbox(out, &self.mailbox);
        for (index, special_use) in self.special_use.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b" (USE (" } else { b" " });
            out.extend_from_slice(special_use.name().as_bytes());
        }
        if !self.special_use.is_empty() {
            out.extend_from_slice(b"))");
        }
    }
}
