//! Compact flags of many messages, which share a few sets of keywords.

use std::collections::HashSet;
use std::sync::Arc;

use api::mailbox::v1::Flags as WireFlags;
use imap_protocol::SystemFlags;

/// Keywords, as reported by the store.
type Keywords = Vec<String>;

/// A message of the view: the system flags in an octet, the keywords behind a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) uid: u32,
    pub(crate) system: SystemFlags,
    keywords: Option<Arc<Keywords>>,
}

impl Message {
    pub(crate) fn keywords(&self) -> impl Iterator<Item = &str> {
        self.keywords
            .iter()
            .flat_map(|keywords| keywords.iter().map(String::as_str))
    }
}

/// The sets of keywords in use.
#[derive(Debug)]
pub(super) struct FlagPool {
    sets: HashSet<Arc<Keywords>>,
    /// At this number of sets, unused ones are dropped.
    sweep_at: usize,
}

const SWEEP_AT_FIRST: usize = 64;

impl Default for FlagPool {
    fn default() -> Self {
        Self {
            sets: HashSet::new(),
            sweep_at: SWEEP_AT_FIRST,
        }
    }
}

impl FlagPool {
    pub(super) fn message(&mut self, uid: u32, flags: Option<WireFlags>) -> Message {
        let flags = flags.unwrap_or_default();
        let system = SystemFlags::from_bits(flags.system);
        if flags.keywords.is_empty() {
            return Message {
                uid,
                system,
                keywords: None,
            };
        }
        let keywords = Arc::new(flags.keywords);
        if let Some(known) = self.sets.get(&keywords) {
            return Message {
                uid,
                system,
                keywords: Some(Arc::clone(known)),
            };
        }
        if self.sets.len() >= self.sweep_at {
            self.sets.retain(|set| Arc::strong_count(set) > 1);
            self.sweep_at = SWEEP_AT_FIRST.max(2 * self.sets.len());
        }
        self.sets.insert(Arc::clone(&keywords));
        Message {
            uid,
            system,
            keywords: Some(keywords),
        }
    }
}
