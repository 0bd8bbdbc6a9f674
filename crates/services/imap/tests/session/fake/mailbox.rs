//! A mailbox and its messages.

use std::collections::BTreeMap;

use api::mailbox::v1::{
    FetchRequest, FetchedMessage, Flags, GetChangesResponse, Mailbox, MailboxState, MessageState,
    UidRange,
};
use api::message::v1::Summary;
use bytes::Bytes;

const SEEN: u32 = 1;
const DELETED: u32 = 8;

/// What is before the message in every mailbox.
const PREFIX: &[u8] = b"Delivered-To: bob@example.test\r\n";

#[derive(Clone)]
pub(super) struct Message {
    pub(super) modseq: u64,
    pub(super) flags: Flags,
    pub(super) internal_date_ms: i64,
    prefix_size: usize,
    header_size: usize,
    pub(super) octets: Vec<u8>,
    summary: Summary,
}

impl Message {
    pub(super) fn delivered(message: &[u8]) -> Self {
        Self::new(PREFIX, message)
    }

    pub(super) fn new(prefix: &[u8], message: &[u8]) -> Self {
        let mut scanner = message::Scanner::new();
        scanner.push(message).unwrap();
        let scanned = scanner.finish().unwrap();
        Self {
            modseq: 0,
            flags: Flags::default(),
            // 22 Nov 2026 10:00:01 UTC
            internal_date_ms: 1_795_341_601_000,
            prefix_size: prefix.len(),
            header_size: prefix.len() + scanned.header.len(),
            octets: [prefix, message].concat(),
            summary: scanned.summary.into(),
        }
    }

    pub(super) fn header(&self) -> &[u8] {
        &self.octets[..self.header_size]
    }

    fn fetched(&self, uid: u32, request: &FetchRequest) -> FetchedMessage {
        let size = self.octets.len() as u64;
        let content = (size <= request.content_up_to).then(|| self.octets.clone().into());
        let part = |wanted: bool, value: &Bytes| {
            if wanted { value.clone() } else { Bytes::new() }
        };
        FetchedMessage {
            uid,
            modseq: self.modseq,
            flags: request.flags.then(|| self.flags.clone()),
            internal_date_ms: if request.internal_date {
                self.internal_date_ms
            } else {
                0
            },
            size: if request.size { size } else { 0 },
            envelope: part(request.envelope, &self.summary.envelope),
            body_structure: part(request.body_structure, &self.summary.body_structure),
            body: part(request.body, &self.summary.body),
            parts: if request.parts {
                self.summary.parts.clone()
            } else {
                Vec::new()
            },
            prefix_size: if request.parts {
                self.prefix_size as u32
            } else {
                0
            },
            header: part(request.header, &Bytes::copy_from_slice(self.header())),
            content,
        }
    }
}

pub(super) struct FakeMailbox {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) special_use: String,
    pub(super) subscribed: bool,
    pub(super) modseq: u64,
    uid_next: u32,
    pub(super) messages: BTreeMap<u32, Message>,
    expunged: Vec<(u64, u32)>,
}

impl FakeMailbox {
    pub(super) fn new(id: i64, name: &str, special_use: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            special_use: special_use.to_owned(),
            subscribed: true,
            modseq: 1,
            uid_next: 1,
            messages: BTreeMap::new(),
            expunged: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, mut message: Message) -> u32 {
        self.modseq += 1;
        message.modseq = self.modseq;
        let uid = self.uid_next;
        self.uid_next += 1;
        self.messages.insert(uid, message);
        uid
    }

    pub(super) fn remove(&mut self, uids: &[u32]) {
        if uids.is_empty() {
            return;
        }
        self.modseq += 1;
        for uid in uids {
            self.messages.remove(uid);
            self.expunged.push((self.modseq, *uid));
        }
    }

    pub(super) fn update(&mut self, uid: u32, change: impl FnOnce(&mut Message)) {
        if let Some(message) = self.messages.get_mut(&uid) {
            self.modseq += 1;
            change(message);
            message.modseq = self.modseq;
        }
    }

    /// UIDs of those that exist; of all without ranges.
    pub(super) fn within(&self, ranges: &[UidRange]) -> Vec<u32> {
        let inside = |uid: &u32| {
            let mut ranges = ranges.iter();
            ranges.any(|range| (range.first..=range.last).contains(uid))
        };
        let uids = self.messages.keys().copied();
        uids.filter(inside).collect()
    }

    pub(super) fn deleted(&self, ranges: &[UidRange]) -> Vec<u32> {
        let all = [UidRange {
            first: 1,
            last: u32::MAX,
        }];
        let ranges = if ranges.is_empty() { &all } else { ranges };
        let mut uids = self.within(ranges);
        uids.retain(|uid| self.messages[uid].flags.system & DELETED != 0);
        uids
    }

    pub(super) fn fetch(&self, request: &FetchRequest) -> Vec<FetchedMessage> {
        let uids = self.within(&request.uids);
        let fetched = |uid: u32| self.messages[&uid].fetched(uid, request);
        uids.into_iter().map(fetched).collect()
    }

    pub(super) fn message_state(&self, uid: u32) -> MessageState {
        let message = &self.messages[&uid];
        MessageState {
            uid,
            modseq: message.modseq,
            flags: Some(message.flags.clone()),
        }
    }

    pub(super) fn states(&self) -> Vec<MessageState> {
        self.messages
            .keys()
            .map(|&uid| self.message_state(uid))
            .collect()
    }

    pub(super) fn state(&self) -> MailboxState {
        let count = |test: &dyn Fn(&Message) -> bool| {
            self.messages
                .values()
                .filter(|message| test(message))
                .count() as u32
        };
        MailboxState {
            mailbox_id: self.id,
            uid_validity: 7,
            uid_next: self.uid_next,
            highest_modseq: self.modseq,
            messages: count(&|_| true),
            unseen: count(&|message| message.flags.system & SEEN == 0),
            deleted: count(&|message| message.flags.system & DELETED != 0),
            size: self.messages.values().map(|m| m.octets.len() as u64).sum(),
        }
    }

    pub(super) fn changes(&self, since: u64) -> GetChangesResponse {
        let mut changed = self.states();
        changed.retain(|state| state.modseq > since);
        let expunged = self.expunged.iter().filter(|(modseq, _)| *modseq > since);
        GetChangesResponse {
            state: Some(self.state()),
            changed,
            expunged: expunged
                .map(|&(_, uid)| UidRange {
                    first: uid,
                    last: uid,
                })
                .collect(),
            deleted: false,
        }
    }

    pub(super) fn listed(&self) -> Mailbox {
        Mailbox {
            mailbox_id: self.id,
            name: self.name.clone(),
            uid_validity: 7,
            subscribed: self.subscribed,
            special_use: self.special_use.clone(),
        }
    }
}
