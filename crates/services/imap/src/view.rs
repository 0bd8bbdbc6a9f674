//! What a session has told its client of the open mailbox: which messages there are, in which
//! order, with which flags. Pure: answers come in, response lines go out.
//!
//! A client counts messages by their place, so a message that is gone keeps its place until an
//! EXPUNGE may be sent (RFC 9051 §7.5.1): not during FETCH, STORE or SEARCH.

mod flag_pool;
mod tell;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use api::mailbox::v1::{Flags as WireFlags, MessageState};
use imap_protocol::{Flags, Keyword, MessageSet, RangeSet, SequenceSet, SystemFlags};

use flag_pool::FlagPool;
pub(crate) use flag_pool::Message;

/// See the module. Sixteen octets a message.
pub(crate) struct View {
    messages: Vec<Message>,
    flags: FlagPool,
    /// Flags that the client was told of.
    known: Flags,
    /// UIDs that are gone and were not told to be; ascending.
    gone: Vec<u32>,
    /// The UID that comes next.
    uid_next: u32,
    /// Messages from this UID on came while the mailbox was open: they are `\Recent` here.
    recent_from: u32,
    /// All changes up to this MODSEQ are in the view.
    modseq: u64,
    /// Opened by EXAMINE: no flag can be changed.
    read_only: bool,
}

impl View {
    pub(crate) fn new(uid_next: u32, modseq: u64, keywords: &[String], read_only: bool) -> Self {
        let mut known = Flags::of(SystemFlags::ALL);
        for keyword in keywords {
            learn(&mut known, keyword);
        }
        Self {
            messages: Vec::new(),
            flags: FlagPool::default(),
            known,
            gone: Vec::new(),
            uid_next,
            recent_from: uid_next,
            modseq,
            read_only,
        }
    }

    /// Adds messages of the mailbox as it was opened, by UID.
    pub(crate) fn extend(&mut self, messages: Vec<MessageState>) {
        self.messages.reserve(messages.len());
        for state in messages {
            let message = self.flags.message(state.uid, state.flags);
            self.messages.push(message);
        }
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.messages.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn modseq(&self) -> u64 {
        self.modseq
    }

    /// A change of our own, which the view knows, has taken this MODSEQ. Where nobody else's came
    /// between, there is nothing to ask for.
    pub(crate) fn own_change(&mut self, modseq: u64) {
        if modseq == self.modseq + 1 {
            self.modseq = modseq;
        }
    }

    pub(crate) fn recent(&self) -> u32 {
        let before = self
            .messages
            .partition_point(|message| message.uid < self.recent_from);
        self.len() - u32::try_from(before).unwrap_or(u32::MAX)
    }

    /// UIDs of the messages that are `\Recent`.
    pub(crate) fn recent_uids(&self) -> RangeSet {
        RangeSet::from_ranges(vec![self.recent_from..=self.last_uid()])
    }

    /// Sequence number of the first message without `\Seen`.
    pub(crate) fn first_unseen(&self) -> Option<u32> {
        let index = self
            .messages
            .iter()
            .position(|message| !message.system.contains(SystemFlags::SEEN))?;
        u32::try_from(index + 1).ok()
    }

    /// The highest UID there is; 0 in an empty mailbox.
    pub(crate) fn last_uid(&self) -> u32 {
        self.messages.last().map_or(0, |message| message.uid)
    }

    fn index(&self, uid: u32) -> Option<usize> {
        self.messages
            .binary_search_by_key(&uid, |message| message.uid)
            .ok()
    }

    /// The place of a message that the client knows.
    pub(crate) fn sequence(&self, uid: u32) -> Option<u32> {
        u32::try_from(self.index(uid)? + 1).ok()
    }

    /// A message that the client knows.
    pub(crate) fn message(&self, uid: u32) -> Option<&Message> {
        self.messages.get(self.index(uid)?)
    }

    /// All messages, in order.
    pub(crate) fn all(&self) -> &[Message] {
        &self.messages
    }

    /// UIDs that a set of sequence numbers stands for, as ranges: between two neighbours of the
    /// view there is no message, or one that is gone.
    pub(crate) fn uids_of_sequence(&self, set: &SequenceSet) -> RangeSet {
        let uid = |number: u32| {
            let index = usize::try_from(number.checked_sub(1)?).ok()?;
            self.messages.get(index).map(|message| message.uid)
        };
        let last = self.len();
        let ranges = set.resolve(last);
        let ranges = ranges.ranges().filter_map(|range| {
            let end = (*range.end()).min(last);
            Some(uid(*range.start())?..=uid(end)?)
        });
        RangeSet::from_ranges(ranges.collect())
    }

    /// UIDs that a set of UIDs stands for, none above what the client knows.
    pub(crate) fn uids_of_uids(&self, set: &SequenceSet) -> RangeSet {
        let last = self.last_uid();
        if last == 0 {
            return RangeSet::default();
        }
        let ranges = set.resolve(last);
        let ranges = ranges
            .ranges()
            .map(|range| *range.start()..=(*range.end()).min(last));
        RangeSet::from_ranges(ranges.collect())
    }

    /// UIDs of the messages meant.
    pub(crate) fn uids(&self, messages: &MessageSet, saved: &RangeSet) -> RangeSet {
        match messages {
            MessageSet::Sequence(set) => self.uids_of_sequence(set),
            MessageSet::Uid(set) => self.uids_of_uids(set),
            MessageSet::Saved { .. } => saved.clone(),
        }
    }

    /// Messages of the view within UID ranges, in order.
    pub(crate) fn within<'a>(&'a self, uids: &'a RangeSet) -> impl Iterator<Item = &'a Message> {
        uids.ranges().flat_map(|range| {
            let (start, end) = self.places(&range);
            self.messages.get(start..end).unwrap_or_default()
        })
    }

    fn places(&self, range: &RangeInclusive<u32>) -> (usize, usize) {
        let start = self
            .messages
            .partition_point(|message| message.uid < *range.start());
        let end = self
            .messages
            .partition_point(|message| message.uid <= *range.end());
        (start, end.max(start))
    }

    /// Takes flags that the store told. True when they are news to the client.
    pub(crate) fn set_flags(&mut self, uid: u32, flags: Option<WireFlags>) -> bool {
        let Some(index) = self.index(uid) else {
            return false;
        };
        let told = self.flags.message(uid, flags);
        let Some(message) = self.messages.get_mut(index) else {
            return false;
        };
        let news = *message != told;
        *message = told;
        news
    }

    /// Messages are gone; [`Self::tell_expunged`] tells it.
    pub(crate) fn note_gone(&mut self, ranges: impl IntoIterator<Item = RangeInclusive<u32>>) {
        for range in ranges {
            let (start, end) = self.places(&range);
            let messages = self.messages.get(start..end).unwrap_or_default();
            self.gone.extend(messages.iter().map(|message| message.uid));
        }
        self.gone.sort_unstable();
        self.gone.dedup();
    }
}

/// A mailbox with more keywords than a message may have lists the first of them; `\*` says that
/// there may be others.
fn learn(known: &mut Flags, keyword: &str) {
    if let Some(keyword) = Keyword::new(keyword.as_bytes())
        && !known.insert(keyword)
    {
        tracing::debug!("more keywords than are listed");
    }
}
