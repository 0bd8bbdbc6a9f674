//! APPEND: what stands before the message. The message itself passes as events.

use bytes::Bytes;

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};
use crate::{Flags, InternalDate, MailboxName, Tag};

/// `"APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal`, read up to the literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendHead {
    /// The command's tag.
    pub tag: Tag,
    /// Where the message goes.
    pub mailbox: MailboxName,
    /// The flags it shall have.
    pub flags: Flags,
    /// The internal date it shall have; now when absent.
    pub internal_date: Option<InternalDate>,
    /// Octets of the message.
    pub size: u64,
    /// Whether the client waits for a continuation before it sends them.
    pub synchronizing: bool,
}

impl AppendHead {
    /// Whether these octets begin an APPEND.
    pub(crate) fn begins(bytes: &[u8]) -> bool {
        Tag::at_start_of(bytes)
            .and_then(|tag| bytes.get(tag.as_bytes().len() + 1..))
            .and_then(|rest| rest.split_at_checked(7))
            .is_some_and(|(verb, rest)| verb.eq_ignore_ascii_case(b"APPEND ") && !rest.is_empty())
    }

    /// Reads what stands before a literal's mark. The last thing there is a space when the
    /// literal is the message; when it is the mailbox's name, nothing is there to read yet, and
    /// that is an error here which the reader takes as "not yet".
    pub(crate) fn parse(before: Bytes, size: u64, synchronizing: bool) -> Result<Self> {
        let tag = Tag::at_start_of(&before).ok_or(CommandError::NoTag)?;
        let mut cursor = Cursor::new(before);
        cursor.back_to(tag.as_bytes().len() + 1);
        if !cursor.eat_word("APPEND") {
            return Err(CommandError::Unknown);
        }
        cursor.space()?;
        let mailbox = cursor.mailbox()?;
        cursor.space()?;
        let mut flags = Flags::default();
        if cursor.peek() == Some(b'(') {
            flags = cursor.flag_list()?;
            cursor.space()?;
        }
        let mut internal_date = None;
        if cursor.peek() == Some(b'"') {
            internal_date = Some(InternalDate::parse(&mut cursor)?);
            cursor.space()?;
        }
        cursor.end()?;
        Ok(Self {
            tag,
            mailbox,
            flags,
            internal_date,
            size,
            synchronizing,
        })
    }
}
