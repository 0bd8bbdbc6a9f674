//! Untagged data.

use bytes::{BufMut, BytesMut};

use super::put_mailbox;
use crate::command::{SearchReturn, StatusItem};
use crate::wire::put_number;
use crate::{Flags, MailboxName, RangeSet, Tag};

/// `"*" SP number SP word CRLF`: EXISTS, RECENT, EXPUNGE.
pub fn put_number_line(out: &mut BytesMut, number: u32, word: &str) {
    out.put_slice(b"* ");
    put_number(out, u64::from(number));
    out.put_u8(b' ');
    out.put_slice(word.as_bytes());
    out.put_slice(b"\r\n");
}

/// `"(" [flag *(SP flag)] ")"`.
pub fn put_flag_list<'a>(out: &mut BytesMut, names: impl IntoIterator<Item = &'a str>) {
    out.put_u8(b'(');
    for (index, name) in names.into_iter().enumerate() {
        if index > 0 {
            out.put_u8(b' ');
        }
        out.put_slice(name.as_bytes());
    }
    out.put_u8(b')');
}

/// `* FLAGS (…)`.
pub fn put_flags(out: &mut BytesMut, flags: &Flags) {
    out.put_slice(b"* FLAGS ");
    put_flag_list(out, flags.names());
    out.put_slice(b"\r\n");
}

/// `* LIST` or `* LSUB`, with extension data in wire form.
pub fn put_list(
    out: &mut BytesMut,
    word: &str,
    attributes: &[&str],
    name: &MailboxName,
    extension: &str,
) {
    out.put_slice(b"* ");
    out.put_slice(word.as_bytes());
    out.put_u8(b' ');
    put_flag_list(out, attributes.iter().copied());
    out.put_slice(b" \"/\" ");
    put_mailbox(out, name);
    out.put_slice(extension.as_bytes());
    out.put_slice(b"\r\n");
}

/// `* STATUS mailbox (item number …)`.
pub fn put_status(
    out: &mut BytesMut,
    name: &MailboxName,
    values: impl IntoIterator<Item = (StatusItem, u64)>,
) {
    out.put_slice(b"* STATUS ");
    put_mailbox(out, name);
    out.put_slice(b" (");
    for (index, (item, value)) in values.into_iter().enumerate() {
        if index > 0 {
            out.put_u8(b' ');
        }
        out.put_slice(item.name().as_bytes());
        out.put_u8(b' ');
        put_number(out, value);
    }
    out.put_slice(b")\r\n");
}

/// `* SEARCH` and the numbers.
pub fn put_search(out: &mut BytesMut, numbers: &RangeSet) {
    out.put_slice(b"* SEARCH");
    for number in numbers.numbers() {
        out.put_u8(b' ');
        put_number(out, u64::from(number));
    }
    out.put_slice(b"\r\n");
}

/// `* ESEARCH` with the requested items (RFC 4731 §3.1).
pub fn put_esearch(
    out: &mut BytesMut,
    tag: &Tag,
    uid: bool,
    wanted: SearchReturn,
    numbers: &RangeSet,
) {
    out.put_slice(b"* ESEARCH (TAG \"");
    out.put_slice(tag.as_bytes());
    out.put_slice(b"\")");
    if uid {
        out.put_slice(b" UID");
    }
    let mut line = String::new();
    if wanted.min
        && let Some(first) = numbers.first()
    {
        line += &format!(" MIN {first}");
    }
    if wanted.max
        && let Some(last) = numbers.last()
    {
        line += &format!(" MAX {last}");
    }
    if wanted.all && !numbers.is_empty() {
        line += &format!(" ALL {numbers}");
    }
    if wanted.count {
        line += &format!(" COUNT {}", numbers.count());
    }
    out.put_slice(line.as_bytes());
    out.put_slice(b"\r\n");
}
