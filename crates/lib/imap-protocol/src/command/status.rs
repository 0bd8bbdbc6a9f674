//! STATUS.

use bytes::BytesMut;

use super::put_mailbox;
use crate::MailboxName;
use crate::cursor::Cursor;
use crate::error::{CommandError, Result};

/// A data item of STATUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusItem {
    /// `MESSAGES`
    Messages,
    /// `RECENT` (RFC 3501)
    Recent,
    /// `UIDNEXT`
    UidNext,
    /// `UIDVALIDITY`
    UidValidity,
    /// `UNSEEN`
    Unseen,
    /// `DELETED` (RFC 9051)
    Deleted,
    /// `SIZE` (RFC 8438)
    Size,
    /// `HIGHESTMODSEQ` (RFC 7162)
    HighestModSeq,
    /// `APPENDLIMIT` (RFC 7889)
    AppendLimit,
}

impl StatusItem {
    const NAMES: [(Self, &'static str); 9] = [
        (Self::Messages, "MESSAGES"),
        (Self::Recent, "RECENT"),
        (Self::UidNext, "UIDNEXT"),
        (Self::UidValidity, "UIDVALIDITY"),
        (Self::Unseen, "UNSEEN"),
        (Self::Deleted, "DELETED"),
        (Self::Size, "SIZE"),
        (Self::HighestModSeq, "HIGHESTMODSEQ"),
        (Self::AppendLimit, "APPENDLIMIT"),
    ];

    /// The item's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(item, _)| *item == self)
            .map_or("", |(_, name)| name)
    }

    /// A list of items, without duplicates: it may be evaluated for each mailbox.
    pub(crate) fn parse_list(cursor: &mut Cursor) -> Result<Vec<Self>> {
        let mut items = Vec::new();
        cursor.list(|cursor| {
            let item = Self::parse(cursor)?;
            if !items.contains(&item) {
                items.push(item);
            }
            Ok(())
        })?;
        Ok(items)
    }

    fn parse(cursor: &mut Cursor) -> Result<Self> {
        let word = cursor.atom("a status item")?;
        Self::NAMES
            .into_iter()
            .find(|(_, name)| word.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(item, _)| item)
            .ok_or(CommandError::Expected("a status item"))
    }
}

/// `"STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The requested items.
    pub items: Vec<StatusItem>,
}

impl Status {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        cursor.space()?;
        let mailbox = cursor.mailbox()?;
        cursor.space()?;
        let items = StatusItem::parse_list(cursor)?;
        Ok(Self { mailbox, items })
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"STATUS ");
        put_mailbox(out, &self.mailbox);
        out.extend_from_slice(b" ");
        put_items(out, &self.items);
    }
}

pub(super) fn put_items(out: &mut BytesMut, items: &[StatusItem]) {
    let names: Vec<_> = items.iter().map(|item| item.name()).collect();
    out.extend_from_slice(format!("({})", names.join(" ")).as_bytes());
}
