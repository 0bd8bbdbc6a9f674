//! RENAME.

use bytes::BytesMut;

use super::put_mailbox;
use crate::MailboxName;
use crate::cursor::Cursor;
use crate::error::Result;

/// A mailbox and its new name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The old name.
    pub from: MailboxName,
    /// The new name.
    pub to: MailboxName,
}

impl Rename {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        cursor.space()?;
        let from = cursor.mailbox()?;
        cursor.space()?;
        let to = cursor.mailbox()?;
        Ok(Self { from, to })
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"RENAME ");
        put_mailbox(out, &self.from);
        out.extend_from_slice(b" ");
        put_mailbox(out, &self.to);
    }
}
