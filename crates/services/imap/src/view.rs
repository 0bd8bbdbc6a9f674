//! The client's state of the open mailbox: the messages, their order and their flags. Pure: store answers
//! come in, response lines go out.
//!
//! A client counts messages by sequence number. A removed message keeps its number until an EXPUNGE may be
//! sent (RFC 9051 §7.5.1), which is not allowed during FETCH, STORE or SEARCH.

mod flag_pool;
mod tell;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use api::mailbox::v1::{Flags as WireFlags, MessageState};
use imap_protocol::{Flags, Keyword, MessageSet, RangeSet, SequenceSet, SystemFlags};

use flag_pool::FlagPool;
pub(crate) use flag_pool::Message;

/// The client's state of a mailbox: sixteen octets per message.
pub(crate) struct View {
    messages: Vec<Message>,
    flags: FlagPool,
    /// Flags listed to the client.
    known: Flags,
    /// UIDs of removed messages not reported yet; ascending.
    gone: Vec<u32>,
    /// The next UID.
    uid_next: u32,
    /// Messages from this UID on arrived while the mailbox was open: they are `\Recent` here.
    recent_from: u32,
    /// The view includes all changes up to this MODSEQ.
    modseq: u64,
    /// Opened by EXAMINE: flags cannot be changed.
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

    /// Adds messages of the newly opened mailbox, by UID.
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

    /// A change by this session, which the view includes, has taken this MODSEQ. If no other change came
    /// between, the store need not be asked.
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

    /// The highest UID; 0 in an empty mailbox.
    pub(crate) fn last_uid(&self) -> u32 {
        self.messages.last().map_or(0, |message| message.uid)
    }

    fn index(&self, uid: u32) -> Option<usize> {
        self.messages
            .binary_search_by_key(&uid, |message| message.uid)
            .ok()
    }

    /// The sequence number of a message that the client knows.
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

    /// The UIDs of a set of sequence numbers, as ranges. Between two neighbours of the view there is no
    /// message, or a removed one.
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

    /// The known UIDs of a set of UIDs, up to the client's last one.
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

    /// UIDs of the selected messages.
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

    /// Sets flags reported by the store. True if they are new to the client.
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

    /// Records removed messages; [`Self::tell_expunged`] reports them.
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

/// A mailbox with more keywords than a message may have lists the first of them; `\*` says that there may be
/// others.
fn learn(known: &mut Flags, keyword: &str) {
    if let Some(keyword) = Keyword::new(keyword.as_bytes())
        && !known.insert(keyword)
    {
        tracing::debug!("more keywords than are listed");
    }
}
