//! Keys that the view can answer: what it knows is what the client was told.

use imap_protocol::command::SearchKey;
use imap_protocol::{RangeSet, SystemFlags};

use super::OpenMailbox;
use crate::view::Message;

/// A condition on a message's UID and flags.
#[derive(Debug)]
pub(super) enum Condition {
    Among(RangeSet),
    Flag(SystemFlags, bool),
    Keyword(String, bool),
    Not(Box<Self>),
    Or(Box<Self>, Box<Self>),
    And(Vec<Self>),
}

impl Condition {
    /// The condition, when the view can answer it.
    pub(super) fn of(key: &SearchKey, open: &OpenMailbox) -> Option<Self> {
        Some(match key {
            SearchKey::All => Self::And(Vec::new()),
            SearchKey::Flag(flag, set) => Self::Flag(*flag, *set),
            SearchKey::Keyword(keyword, set) => Self::Keyword(keyword.as_str().to_owned(), *set),
            SearchKey::Recent => Self::Among(open.view.recent_uids()),
            SearchKey::Sequence(set) => Self::Among(open.view.uids_of_sequence(set)),
            SearchKey::Uid(set) => Self::Among(open.view.uids_of_uids(set)),
            SearchKey::Saved => Self::Among(open.saved.clone()),
            SearchKey::Not(key) => Self::Not(Box::new(Self::of(key, open)?)),
            SearchKey::Or(left, right) => Self::Or(
                Box::new(Self::of(left, open)?),
                Box::new(Self::of(right, open)?),
            ),
            SearchKey::And(keys) => {
                let keys: Option<_> = keys.iter().map(|key| Self::of(key, open)).collect();
                Self::And(keys?)
            }
            _ => return None,
        })
    }

    pub(super) fn holds(&self, message: &Message) -> bool {
        match self {
            Self::Among(uids) => uids.contains(message.uid),
            Self::Flag(flag, set) => message.system.contains(*flag) == *set,
            Self::Keyword(keyword, set) => {
                let has = message.keywords().any(|k| k.eq_ignore_ascii_case(keyword));
                has == *set
            }
            Self::Not(condition) => !condition.holds(message),
            Self::Or(left, right) => left.holds(message) || right.holds(message),
            Self::And(conditions) => conditions.iter().all(|c| c.holds(message)),
        }
    }
}
