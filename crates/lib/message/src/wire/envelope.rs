//! ENVELOPE (RFC 3501 §7.4.2, RFC 9051 §7.5.2).

use super::strings::{nstring, string};
use crate::header::{Address, Field, addresses, unfold};

/// The raw header fields of ENVELOPE.
#[derive(Debug, Default, Clone)]
pub(crate) struct EnvelopeFields<'a> {
    pub(crate) date: Option<&'a [u8]>,
    pub(crate) subject: Option<&'a [u8]>,
    pub(crate) from: Option<&'a [u8]>,
    sender: Option<&'a [u8]>,
    reply_to: Option<&'a [u8]>,
    // Recipients may be spread over several fields, against the standard; none may be hidden.
    pub(crate) to: Vec<&'a [u8]>,
    pub(crate) cc: Vec<&'a [u8]>,
    bcc: Vec<&'a [u8]>,
    pub(crate) in_reply_to: Option<&'a [u8]>,
    pub(crate) message_id: Option<&'a [u8]>,
    /// Not in ENVELOPE, but collected with it.
    pub(crate) references: Option<&'a [u8]>,
}

impl<'a> EnvelopeFields<'a> {
    /// Stores a field of ENVELOPE. If it may occur only once, the first counts.
    pub(crate) fn take(&mut self, field: &Field<'a>) {
        // The length distinguishes most fields: this runs for each field of each message.
        let slot = match field.name.len() {
            2 if field.is("To") => return self.to.push(field.value),
            2 if field.is("Cc") => return self.cc.push(field.value),
            3 if field.is("Bcc") => return self.bcc.push(field.value),
            4 if field.is("Date") => &mut self.date,
            4 if field.is("From") => &mut self.from,
            6 if field.is("Sender") => &mut self.sender,
            7 if field.is("Subject") => &mut self.subject,
            8 if field.is("Reply-To") => &mut self.reply_to,
            10 if field.is("Message-ID") => &mut self.message_id,
            10 if field.is("References") => &mut self.references,
            11 if field.is("In-Reply-To") => &mut self.in_reply_to,
            _ => return,
        };
        slot.get_or_insert(field.value);
    }
}

/// Maximum octets of a date, a subject or an id.
const MAX_TEXT: usize = 4 * 1024;

/// Writes the ENVELOPE of these fields, with at most `room` octets of addresses: a list may be six times as
/// long as its field, or longer. Addresses beyond the limit are omitted.
pub(crate) fn envelope(fields: &EnvelopeFields<'_>, room: usize, into: &mut Vec<u8>) {
    into.push(b'(');
    raw(fields.date, into);
    raw(fields.subject, into);
    let mut lists = AddressLists { room, into };
    let from = fields.from.map_or_else(Vec::new, addresses);
    // From is written three times if it is also Sender and Reply-To: a sixth each leaves half for the
    // recipients.
    lists.write(&from, room / 6);
    for field in [fields.sender, fields.reply_to] {
        let own = field.map_or_else(Vec::new, addresses);
        lists.write(if own.is_empty() { &from } else { &own }, room / 6);
    }
    for values in [&fields.to, &fields.cc, &fields.bcc] {
        let all: Vec<Address> = values.iter().flat_map(|value| addresses(value)).collect();
        lists.write(&all, room);
    }
    raw(fields.in_reply_to, into);
    raw(fields.message_id, into);
    into.pop();
    into.push(b')');
}

fn raw(value: Option<&[u8]>, into: &mut Vec<u8>) {
    match value {
        Some(value) => {
            let value = unfold(value);
            string(&value[..value.len().min(MAX_TEXT)], into);
        }
        None => nstring(None, into),
    }
    into.push(b' ');
}

/// The lists of one ENVELOPE, with their common limit.
struct AddressLists<'v> {
    room: usize,
    into: &'v mut Vec<u8>,
}

impl AddressLists<'_> {
    /// Writes a list, with at most `share` octets of the remaining room.
    fn write(&mut self, list: &[Address], share: usize) {
        let start = self.into.len();
        let limit = start + share.min(self.room);
        self.into.push(b'(');
        let mut whole = self.into.len();
        let mut groups = 0;
        for address in list {
            one(address, self.into);
            if self.into.len() > limit {
                break;
            }
            groups = match address {
                Address::GroupStart(_) => 1,
                Address::GroupEnd => 0,
                Address::Mailbox(_) => groups,
            };
            whole = self.into.len();
        }
        self.into.truncate(whole);
        if whole == start + 1 {
            self.into.truncate(start);
            self.into.extend_from_slice(b"NIL ");
        } else {
            // A truncated group is closed.
            if groups > 0 {
                one(&Address::GroupEnd, self.into);
            }
            self.into.extend_from_slice(b") ");
        }
        self.room = self.room.saturating_sub(self.into.len() - start);
    }
}

/// A NIL host marks a group's ends, so an address without a domain has an empty one.
fn one(address: &Address, into: &mut Vec<u8>) {
    match address {
        Address::Mailbox(mailbox) => {
            into.push(b'(');
            nstring(mailbox.name.as_deref(), into);
            into.push(b' ');
            nstring(mailbox.route.as_deref(), into);
            into.push(b' ');
            string(&mailbox.local, into);
            into.push(b' ');
            string(&mailbox.domain, into);
            into.push(b')');
        }
        Address::GroupStart(name) => {
            into.extend_from_slice(b"(NIL NIL ");
            string(name, into);
            into.extend_from_slice(b" NIL)");
        }
        Address::GroupEnd => into.extend_from_slice(b"(NIL NIL NIL NIL)"),
    }
}
