//! A mailbox and its messages.

use std::collections::BTreeMap;

use api::grpc::Status;
use api::mailbox::v1::store_flags_request::Mode;
use api::mailbox::v1::{
    FetchRequest, FetchedMessage, Flags, GetChangesResponse, Mailbox, MailboxState, MessageState,
    StoreFlagsRequest, StoreFlagsResponse, UidRange,
};

use super::message::Message;

/// UIDVALIDITY of every mailbox.
pub const UID_VALIDITY: u32 = 7;

const SEEN: u32 = 1;
const DELETED: u32 = 8;

#[derive(Debug)]
pub(super) struct FakeMailbox {
    pub(super) id: i64,
    pub(super) user_id: i64,
    pub(super) name: String,
    pub(super) special_use: String,
    pub(super) modseq: u64,
    pub(super) uid_next: u32,
    /// The keywords used by messages, each in its first spelling.
    pub(super) keywords: Vec<String>,
    pub(super) messages: BTreeMap<u32, Message>,
    expunged: Vec<(u64, UidRange)>,
}

impl FakeMailbox {
    pub(super) fn new(id: i64, user_id: i64, name: &str, special_use: &str) -> Self {
        Self {
            id,
            user_id,
            name: name.to_owned(),
            special_use: special_use.to_owned(),
            modseq: 1,
            uid_next: 1,
            keywords: Vec::new(),
            messages: BTreeMap::new(),
            expunged: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, message: Message) -> u32 {
        let modseq = self.modseq + 1;
        self.add_as(self.uid_next, modseq, message)
    }

    /// Adds a message as part of a change with several messages.
    pub(super) fn add_as(&mut self, uid: u32, modseq: u64, mut message: Message) -> u32 {
        message.flags.keywords = self.learn(&message.flags.keywords);
        message.modseq = modseq;
        self.modseq = modseq;
        self.uid_next = uid + 1;
        self.messages.insert(uid, message);
        uid
    }

    /// The keywords in this mailbox's spelling, without duplicates.
    pub(super) fn learn(&mut self, keywords: &[String]) -> Vec<String> {
        let spelled = self.spelled(keywords);
        for keyword in &spelled {
            if !self.keywords.contains(keyword) {
                self.keywords.push(keyword.clone());
            }
        }
        spelled
    }

    fn spelled(&self, keywords: &[String]) -> Vec<String> {
        let mut spelled: Vec<String> = Vec::new();
        for keyword in keywords {
            let known = self.keywords.iter().chain(&spelled);
            let mut known = known.filter(|known| known.eq_ignore_ascii_case(keyword));
            let keyword = known.next().unwrap_or(keyword).clone();
            if !spelled.contains(&keyword) {
                spelled.push(keyword);
            }
        }
        spelled
    }

    pub(super) fn remove(&mut self, uids: &[u32]) {
        if uids.is_empty() {
            return;
        }
        self.modseq += 1;
        for &uid in uids {
            self.messages.remove(&uid);
            match self.expunged.last_mut() {
                Some((modseq, range)) if *modseq == self.modseq && range.last + 1 == uid => {
                    range.last = uid;
                }
                _ => {
                    let range = UidRange {
                        first: uid,
                        last: uid,
                    };
                    self.expunged.push((self.modseq, range));
                }
            }
        }
    }

    /// Changes one message's flags.
    pub(super) fn update(&mut self, uid: u32, change: impl FnOnce(&mut Flags)) {
        if let Some(message) = self.messages.get_mut(&uid) {
            self.modseq += 1;
            change(&mut message.flags);
            message.modseq = self.modseq;
        }
    }

    /// The existing UIDs in these ranges.
    pub(super) fn within(&self, ranges: &[UidRange]) -> Vec<u32> {
        let uids = self.messages.keys().copied();
        uids.filter(|uid| contains(ranges, *uid)).collect()
    }

    /// The UIDs of messages marked `\Deleted`; all of them without ranges.
    pub(super) fn deleted(&self, ranges: &[UidRange]) -> Vec<u32> {
        let mut uids: Vec<u32> = self.messages.keys().copied().collect();
        uids.retain(|uid| ranges.is_empty() || contains(ranges, *uid));
        uids.retain(|uid| self.messages[uid].flags.system & DELETED != 0);
        uids
    }

    pub(super) fn store_flags(
        &mut self,
        request: &StoreFlagsRequest,
    ) -> Result<StoreFlagsResponse, Status> {
        let mode = request.mode();
        let mut flags = request.flags.clone().unwrap_or_default();
        flags.keywords = match mode {
            Mode::Unspecified => return Err(Status::invalid_argument("no mode")),
            Mode::Remove => self.spelled(&flags.keywords),
            Mode::Add | Mode::Replace => self.learn(&flags.keywords),
        };
        let modseq = self.modseq + 1;
        let mut response = StoreFlagsResponse::default();
        for uid in self.within(&request.uids) {
            let Some(message) = self.messages.get_mut(&uid) else {
                continue;
            };
            let newer = |since: u64| message.modseq > since;
            if request.unchanged_since.is_some_and(newer) {
                response.modified.push(uid);
            } else if apply(mode, &flags, &mut message.flags) {
                message.modseq = modseq;
                self.modseq = modseq;
            }
            response.messages.push(message.state(uid));
        }
        Ok(response)
    }

    pub(super) fn fetch(&self, request: &FetchRequest) -> Vec<FetchedMessage> {
        let messages = self.messages.iter().filter(|(uid, message)| {
            contains(&request.uids, **uid) && message.modseq > request.changed_since
        });
        messages
            .map(|(uid, message)| message.fetched(*uid, request))
            .collect()
    }

    pub(super) fn states(&self) -> Vec<MessageState> {
        let messages = self.messages.iter();
        messages.map(|(uid, message)| message.state(*uid)).collect()
    }

    pub(super) fn state(&self) -> MailboxState {
        let count = |bit: u32, set: bool| {
            let messages = self.messages.values();
            let counted = messages.filter(|message| (message.flags.system & bit != 0) == set);
            u32::try_from(counted.count()).unwrap()
        };
        MailboxState {
            mailbox_id: self.id,
            uid_validity: UID_VALIDITY,
            uid_next: self.uid_next,
            highest_modseq: self.modseq,
            messages: count(0, false),
            unseen: count(SEEN, false),
            deleted: count(DELETED, true),
            size: self.messages.values().map(Message::size).sum(),
        }
    }

    pub(super) fn changes(&self, since: u64) -> GetChangesResponse {
        let mut changed = self.states();
        changed.retain(|state| state.modseq > since);
        let newer = self.expunged.iter().filter(|(modseq, _)| *modseq > since);
        let mut expunged: Vec<UidRange> = newer.map(|(_, range)| *range).collect();
        expunged.sort_by_key(|range| range.first);
        GetChangesResponse {
            state: Some(self.state()),
            changed,
            expunged,
            deleted: false,
        }
    }

    pub(super) fn listed(&self, subscribed: bool) -> Mailbox {
        Mailbox {
            mailbox_id: self.id,
            name: self.name.clone(),
            uid_validity: UID_VALIDITY,
            subscribed,
            special_use: self.special_use.clone(),
        }
    }
}

pub(super) fn contains(ranges: &[UidRange], uid: u32) -> bool {
    ranges
        .iter()
        .any(|range| (range.first..=range.last).contains(&uid))
}

/// Applies a change of flags; returns whether it had an effect.
fn apply(mode: Mode, with: &Flags, flags: &mut Flags) -> bool {
    let before = flags.clone();
    match mode {
        Mode::Add => {
            flags.system |= with.system;
            let new = with
                .keywords
                .iter()
                .filter(|k| !before.keywords.contains(k));
            flags.keywords.extend(new.cloned());
        }
        Mode::Remove => {
            flags.system &= !with.system;
            flags.keywords.retain(|k| !with.keywords.contains(k));
        }
        Mode::Replace | Mode::Unspecified => *flags = with.clone(),
    }
    let sorted = |flags: &Flags| {
        let mut keywords = flags.keywords.clone();
        keywords.sort();
        keywords
    };
    if flags.system == before.system && sorted(flags) == sorted(&before) {
        // The same keywords in another order are no change.
        *flags = before;
        return false;
    }
    true
}
