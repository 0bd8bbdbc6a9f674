//! Memory of a collector between polls of an account, which saves looking at every message again. It is not
//! needed for correctness: a new process starts without it.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::identity::UNNAMED;
use crate::poll::ListedMessage;

/// A message left on the server is checked again after this time, in case another message has its UIDL and
/// size.
const LOOK_AGAIN: Duration = Duration::from_secs(24 * 3600);

/// A refused message is tried again after this time.
pub(crate) const TRY_AGAIN: Duration = Duration::from_secs(24 * 3600);

/// The memory of one account. Messages that are no longer listed are removed.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    messages: HashMap<String, Remembered>,
    /// The message being read: its name and size.
    pub(crate) reading: Option<(String, u64)>,
    /// Messages, by name, that the server has refused to delete.
    undeletable: HashSet<String>,
    /// The queue did not receive the last report.
    pub(crate) unreported: bool,
}

/// An entry for one message, by name.
#[derive(Debug)]
struct Remembered {
    /// The size in the server's listing.
    size: Option<u64>,
    what: What,
    at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// In the ledger: its header section was seen to be equal.
    HeaderSeen,
    /// In the ledger: this process has read all of it.
    WholeSeen,
    /// DELE was sent, and QUIT succeeded.
    Deleted,
    /// The queue refuses it.
    Refused,
}

impl Memory {
    /// Records a message whose header section is in the ledger.
    pub(crate) fn header_seen(&mut self, listed: &ListedMessage) {
        if !self.whole_was_seen(listed) {
            self.put(listed, What::HeaderSeen);
        }
    }

    /// Records a message that is in the ledger as a whole.
    pub(crate) fn whole_seen(&mut self, listed: &ListedMessage) {
        self.put(listed, What::WholeSeen);
    }

    /// Records a message that the queue refuses.
    pub(crate) fn refused(&mut self, listed: &ListedMessage) {
        self.put(listed, What::Refused);
    }

    /// Records a message that was deleted on the server.
    pub(crate) fn deleted(&mut self, listed: &ListedMessage) {
        self.put(listed, What::Deleted);
    }

    /// Records a message that the server refuses to delete. False if it was recorded before.
    pub(crate) fn undeletable_for_the_first_time(&mut self, listed: &ListedMessage) -> bool {
        self.undeletable.insert(listed.name.clone())
    }

    /// Whether it was checked recently.
    pub(crate) fn was_seen(&self, listed: &ListedMessage) -> bool {
        self.get(listed).is_some_and(|message| {
            matches!(message.what, What::HeaderSeen | What::WholeSeen)
                && message.at.elapsed() < LOOK_AGAIN
        })
    }

    /// Whether all of it was read. A server that ignores DELE still lists deleted messages.
    pub(crate) fn whole_was_seen(&self, listed: &ListedMessage) -> bool {
        self.get(listed)
            .is_some_and(|message| matches!(message.what, What::WholeSeen | What::Deleted))
    }

    /// Whether it was refused recently.
    pub(crate) fn was_refused(&self, listed: &ListedMessage) -> bool {
        self.get(listed).is_some_and(|message| {
            message.what == What::Refused && message.at.elapsed() < TRY_AGAIN
        })
    }

    /// Removes messages that are no longer listed. Returns those deleted by the collector, which the ledger
    /// may remove, too.
    pub(crate) fn keep_listed(&mut self, listing: &[ListedMessage]) -> Vec<String> {
        let listed: HashSet<&str> = listing.iter().map(|listed| listed.name.as_str()).collect();
        self.undeletable
            .retain(|name| listed.contains(name.as_str()));
        let mut gone = Vec::new();
        // A message without a name may be any of those that had none before.
        let some_unnamed = listing.iter().any(|listed| !listed.is_named);
        self.messages.retain(|name, message| {
            let keep =
                listed.contains(name.as_str()) || (some_unnamed && name.starts_with(UNNAMED));
            if !keep && message.what == What::Deleted {
                gone.push(name.clone());
            }
            keep
        });
        gone
    }

    fn get(&self, listed: &ListedMessage) -> Option<&Remembered> {
        self.messages
            .get(&listed.name)
            .filter(|message| listed.is_named && message.size == listed.size)
    }

    fn put(&mut self, listed: &ListedMessage, what: What) {
        if !listed.is_named {
            return;
        }
        let message = Remembered {
            size: listed.size,
            what,
            at: Instant::now(),
        };
        self.messages.insert(listed.name.clone(), message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, size: u64) -> ListedMessage {
        ListedMessage {
            number: 1,
            name: name.to_owned(),
            is_named: true,
            size: Some(size),
        }
    }

    #[test]
    fn another_size_is_another_message() {
        let mut memory = Memory::default();
        memory.whole_seen(&listed("a", 1));
        assert!(memory.was_seen(&listed("a", 1)));
        assert!(!memory.was_seen(&listed("a", 2)));
        assert!(!memory.whole_was_seen(&listed("a", 2)));
        memory.refused(&listed("a", 2));
        assert!(memory.was_refused(&listed("a", 2)));
        assert!(!memory.was_seen(&listed("a", 1)));
    }

    #[test]
    fn only_what_we_deleted_and_is_gone_is_for_the_ledger_to_forget() {
        let mut memory = Memory::default();
        memory.deleted(&listed("gone", 1));
        memory.deleted(&listed("ignored", 1));
        memory.whole_seen(&listed("removed by another", 1));
        let gone = memory.keep_listed(&[listed("ignored", 1)]);
        assert_eq!(gone, ["gone"]);
        assert!(memory.whole_was_seen(&listed("ignored", 1)));
        assert!(!memory.was_seen(&listed("ignored", 1)));
    }

    #[test]
    fn nothing_is_said_of_a_message_without_a_name() {
        let mut memory = Memory::default();
        let unnamed = ListedMessage {
            is_named: false,
            ..listed("number 1", 1)
        };
        memory.whole_seen(&unnamed);
        assert!(!memory.was_seen(&unnamed));
        let by_header = format!("{UNNAMED}0");
        memory.deleted(&listed(&by_header, 1));
        assert!(
            memory.keep_listed(&[unnamed]).is_empty(),
            "it may be that one"
        );
        assert_eq!(memory.keep_listed(&[]), [by_header]);
    }
}
