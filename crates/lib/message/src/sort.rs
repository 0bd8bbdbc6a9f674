//! The keys of SORT and THREAD (RFC 5256, RFC 5957), computed once from the header section.
//!
//! Strings keep their case: the command chooses the collation. ARRIVAL and SIZE are not included, since
//! they differ between mailboxes: they are in the message's row of mailbox-store. DATE is the summary's
//! `sent_at`.

mod base_subject;

use bytes::Bytes;

pub use base_subject::{BaseSubject, base_subject};

use crate::decode;
use crate::header::{Address, first_address, message_ids};
use crate::shown::cut;
use crate::wire::EnvelopeFields;

/// Maximum number of stored Message-IDs of one field.
pub const MAX_REFERENCES: usize = 100;
/// Maximum octets of the stored Message-IDs of one field.
pub const MAX_REFERENCES_OCTETS: usize = 16 * 1024;

/// Sort keys that are not already in the summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SortKeys {
    /// SUBJECT: the base subject, at most 1,000 octets.
    pub base_subject: String,
    /// Whether the subject marks a reply or a forwarded message (RFC 5256 §2.1).
    pub is_reply: bool,
    /// FROM: the first address of From; `None` if there is none.
    pub from: Option<SortAddress>,
    /// TO: the first address of To.
    pub to: Option<SortAddress>,
    /// CC: the first address of Cc.
    pub cc: Option<SortAddress>,
}

/// The first address of a field as in ENVELOPE, each string at most 1,000 octets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SortAddress {
    /// Display name, decoded; empty if there is none. DISPLAYFROM and DISPLAYTO prefer it (RFC 5957 §3).
    pub name: String,
    /// `addr-mailbox` of ENVELOPE, the key of FROM, TO and CC: the local part, or the name of a group.
    pub mailbox: String,
    /// Domain; empty for a group.
    pub host: String,
}

impl SortKeys {
    /// `subject` is decoded.
    pub(crate) fn of(fields: &EnvelopeFields<'_>, subject: &str) -> Self {
        let subject = base_subject(subject);
        Self {
            base_subject: cut(subject.text),
            is_reply: subject.is_reply,
            from: first(fields.from.as_slice()),
            to: first(&fields.to),
            cc: first(&fields.cc),
        }
    }
}

fn first(values: &[&[u8]]) -> Option<SortAddress> {
    let address = values.iter().find_map(|value| first_address(value))?;
    let text = |octets: &[u8]| cut(String::from_utf8_lossy(octets).into_owned());
    Some(match address {
        Address::Mailbox(mailbox) => SortAddress {
            name: mailbox
                .name
                .map(|name| cut(decode::unstructured(&name)))
                .unwrap_or_default(),
            mailbox: text(&mailbox.local),
            host: text(&mailbox.domain),
        },
        Address::GroupStart(name) => SortAddress {
            mailbox: text(&name),
            ..SortAddress::default()
        },
        Address::GroupEnd => SortAddress::default(),
    })
}

/// The Message-IDs of a field. If there are too many, the first one (the start of the thread) and the last
/// ones (the nearest) are kept.
pub(crate) fn references(value: &[u8]) -> Vec<Bytes> {
    let mut kept: Vec<Bytes> = message_ids(value).collect();
    let root = kept.first().map_or(0, Bytes::len);
    let mut room = MAX_REFERENCES_OCTETS.saturating_sub(root);
    let nearest = kept.iter().skip(1).rev().take(MAX_REFERENCES - 1);
    let fit = nearest
        .take_while(|id| {
            let fits = id.len() <= room;
            room = room.saturating_sub(id.len());
            fits
        })
        .count();
    let surplus = kept.len().saturating_sub(1 + fit);
    kept.drain(1.min(kept.len())..1.min(kept.len()) + surplus);
    kept
}

#[cfg(test)]
mod tests;
