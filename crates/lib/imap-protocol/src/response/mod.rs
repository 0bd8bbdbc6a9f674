//! Responses. Each function writes a whole line, or the start of one whose content is streamed.

mod code;
mod data;
#[cfg(test)]
mod tests;

use bytes::{BufMut, BytesMut};

pub use code::Code;
pub use data::{
    put_esearch, put_flag_list, put_flags, put_list, put_number_line, put_search, put_status,
};

use crate::wire::{Side, put_astring};
use crate::{MailboxName, Tag};

/// The result of a command, or the kind of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Done.
    Ok,
    /// Understood, but not executed.
    No,
    /// Not understood, or not allowed now.
    Bad,
    /// The connection ends. Untagged only.
    Bye,
}

impl Condition {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Bye => "BYE",
        }
    }
}

/// `tag SP resp-cond-state CRLF`; untagged without a tag.
pub fn put_condition(
    out: &mut BytesMut,
    tag: Option<&Tag>,
    condition: Condition,
    code: Option<&Code>,
    text: &str,
) {
    out.put_slice(tag.map_or(b"*".as_slice(), Tag::as_bytes));
    out.put_u8(b' ');
    out.put_slice(condition.word().as_bytes());
    out.put_u8(b' ');
    if let Some(code) = code {
        out.put_slice(format!("[{code}] ").as_bytes());
    }
    out.put_slice(text.as_bytes());
    out.put_slice(b"\r\n");
}

/// `"+" SP text CRLF`.
pub fn put_continuation(out: &mut BytesMut, text: &str) {
    out.put_slice(b"+ ");
    out.put_slice(text.as_bytes());
    out.put_slice(b"\r\n");
}

/// `"*" SP line CRLF`, of words that need no quotes.
pub fn put_untagged(out: &mut BytesMut, line: &str) {
    out.put_slice(b"* ");
    out.put_slice(line.as_bytes());
    out.put_slice(b"\r\n");
}

/// A mailbox name as an astring.
pub fn put_mailbox(out: &mut BytesMut, name: &MailboxName) {
    put_astring(out, &name.to_wire(), Side::Server);
}
