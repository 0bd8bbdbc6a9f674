//! SELECT and EXAMINE.

use bytes::BytesMut;

use super::put_mailbox;
use crate::MailboxName;
use crate::cursor::Cursor;
use crate::error::Result;

/// The mailbox to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// Its name.
    pub mailbox: MailboxName,
}

impl Select {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        cursor.space()?;
        let mailbox = cursor.mailbox()?;
        Ok(Self { mailbox })
    }

    pub(crate) fn write(&self, verb: &str, out: &mut BytesMut) {
        out.extend_from_slice(verb.as_bytes());
        out.extend_from_slice(b" ");
        put_mailbox(out, &self.mailbox);
    }
}
