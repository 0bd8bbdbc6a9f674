//! APPEND up to the message. The message itself is passed on as events.

use bytes::Bytes;

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};
use crate::{Flags, InternalDate, MailboxName, Tag};

/// `"APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal`, parsed up to the literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendHead {
    /// The command's tag.
    pub tag: Tag,
    /// The target mailbox.
    pub mailbox: MailboxName,
    /// The flags to set.
    pub flags: Flags,
    /// The internal date to set; default: now.
    pub internal_date: Option<InternalDate>,
    /// Octets of the message.
    pub size: u64,
    /// Whether the client waits for a continuation before it sends the literal.
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

    /// Parses the text before a literal's marker. If the literal is the message, the text ends with a
    /// space. If the literal is the mailbox's name, the text is incomplete, and the error means "not yet"
    /// to the reader.
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
