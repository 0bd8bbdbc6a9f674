//! COPY and MOVE.

use bytes::BytesMut;

use super::put_mailbox;
use crate::cursor::Cursor;
use crate::error::Result;
use crate::{MailboxName, MessageSet};

/// Messages and their target mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The messages.
    pub messages: MessageSet,
    /// The target.
    pub to: MailboxName,
}

impl Copy {
    pub(crate) fn parse(cursor: &mut Cursor, uid: bool) -> Result<Self> {
        let messages = MessageSet::parse(cursor, uid)?;
        cursor.space()?;
        let to = cursor.mailbox()?;
        Ok(Self { messages, to })
    }

    pub(crate) fn write(&self, verb: &str, out: &mut BytesMut) {
        self.messages.write(verb, out);
        out.extend_from_slice(b" ");
        put_mailbox(out, &self.to);
    }
}

impl MessageSet {
    /// Parses a space and the set.
    pub(crate) fn parse(cursor: &mut Cursor, uid: bool) -> Result<Self> {
        cursor.space()?;
        if cursor.eat(b'$') {
            return Ok(Self::Saved { uid });
        }
        let set = cursor.sequence_set()?;
        Ok(if uid {
            Self::Uid(set)
        } else {
            Self::Sequence(set)
        })
    }

    /// Writes the verb, after UID if needed, and the set.
    pub(crate) fn write(&self, verb: &str, out: &mut BytesMut) {
        let uid = if self.is_uid() { "UID " } else { "" };
        let text = match self {
            Self::Sequence(set) | Self::Uid(set) => format!("{uid}{verb} {set}"),
            Self::Saved { .. } => format!("{uid}{verb} $"),
        };
        out.extend_from_slice(text.as_bytes());
    }
}
