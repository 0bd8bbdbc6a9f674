//! What a collector remembers between polls of an account, so that it need not look at everything
//! again. Nothing here is needed for safety: a new process begins with nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::identity::UNNAMED;
use crate::poll::Listed;

/// A message that is left on the server is looked at again after this time, should another have
/// taken its UIDL and size.
const LOOK_AGAIN: Duration = Duration::from_secs(24 * 3600);

/// A message that cannot be taken is tried again after this time.
pub(crate) const TRY_AGAIN: Duration = Duration::from_secs(24 * 3600);

/// Of one account. Entries whose messages are no longer listed are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    messages: HashMap<String, Remembered>,
    /// The message that is being read: its name and size.
    pub(crate) reading: Option<(String, u64)>,
    /// The queue did not hear how the last poll went.
    pub(crate) unreported: bool,
}

/// Of one message, by its name.
#[derive(Debug)]
struct Remembered {
    /// As the server listed it.
    size: Option<u64>,
    what: What,
    at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// It is in the ledger: its header section was seen to be the same.
    HeaderSeen,
    /// It is in the ledger: this process has read all of it.
    WholeSeen,
    /// DELE was said, and QUIT was answered well.
    Deleted,
    /// The queue will not have it.
    Refused,
}

impl Memory {
    /// A message whose header section the ledger knows.
    pub(crate) fn header_seen(&mut self, listed: &Listed) {
        if !self.whole_was_seen(listed) {
            self.put(listed, What::HeaderSeen);
        }
    }

    /// A message that the ledger knows in whole.
    pub(crate) fn whole_seen(&mut self, listed: &Listed) {
        self.put(listed, What::WholeSeen);
    }

    /// A message that the queue will not have.
    pub(crate) fn refused(&mut self, listed: &Listed) {
        self.put(listed, What::Refused);
    }

    /// A message that the server should no longer have.
    pub(crate) fn deleted(&mut self, listed: &Listed) {
        self.put(listed, What::Deleted);
    }

    /// Whether it was looked at lately.
    pub(crate) fn was_seen(&self, listed: &Listed) -> bool {
        self.get(listed).is_some_and(|message| {
            matches!(message.what, What::HeaderSeen | What::WholeSeen)
                && message.at.elapsed() < LOOK_AGAIN
        })
    }

    /// Whether all of it was read. A server that ignores DELE still has what was deleted.
    pub(crate) fn whole_was_seen(&self, listed: &Listed) -> bool {
        self.get(listed)
            .is_some_and(|message| matches!(message.what, What::WholeSeen | What::Deleted))
    }

    /// Whether it was refused lately.
    pub(crate) fn was_refused(&self, listed: &Listed) -> bool {
        self.get(listed).is_some_and(|message| {
            message.what == What::Refused && message.at.elapsed() < TRY_AGAIN
        })
    }

    /// Forgets what is no longer listed, and says which of it was deleted by us: the ledger may
    /// forget these, too.
    pub(crate) fn keep_listed(&mut self, listing: &[Listed]) -> Vec<String> {
        let listed: std::collections::HashSet<&str> =
            listing.iter().map(|listed| listed.name.as_str()).collect();
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

    fn get(&self, listed: &Listed) -> Option<&Remembered> {
        self.messages
            .get(&listed.name)
            .filter(|message| listed.is_named && message.size == listed.size)
    }

    fn put(&mut self, listed: &Listed, what: What) {
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

    fn listed(name: &str, size: u64) -> Listed {
        Listed {
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
        let unnamed = Listed {
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
