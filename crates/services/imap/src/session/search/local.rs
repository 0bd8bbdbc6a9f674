//! Search keys that the view can answer, from the state that the client knows.

use std::borrow::Cow;

use imap_protocol::command::SearchKey;
use imap_protocol::{RangeSet, SystemFlags};

use crate::session::selected::OpenMailbox;
use crate::view::{Message, View};

/// Tests of messages between two pauses, in which other sessions have their turn.
const AT_A_TIME: usize = 20_000;

/// UIDs of the messages that satisfy the condition.
pub(super) async fn matching(view: &View, condition: &Condition<'_>) -> RangeSet {
    let mut found = RangeSet::default();
    for messages in view.all().chunks((AT_A_TIME / condition.tests()).max(1)) {
        let matching = messages.iter().filter(|message| condition.holds(message));
        matching.for_each(|message| found.push(message.uid));
        tokio::task::yield_now().await;
    }
    found
}

/// A condition on a message's UID and flags.
#[derive(Debug)]
pub(super) enum Condition<'a> {
    Among(Cow<'a, RangeSet>),
    Flag(SystemFlags, bool),
    Keyword(String, bool),
    Not(Box<Self>),
    Or(Box<Self>, Box<Self>),
    And(Vec<Self>),
}

impl<'a> Condition<'a> {
    /// The condition, if the view can answer it.
    pub(super) fn of(key: &SearchKey, open: &'a OpenMailbox) -> Option<Self> {
        Some(match key {
            SearchKey::All => Self::And(Vec::new()),
            SearchKey::Flag(flag, set) => Self::Flag(*flag, *set),
            SearchKey::Keyword(keyword, set) => Self::Keyword(keyword.as_str().to_owned(), *set),
            SearchKey::Recent => Self::Among(Cow::Owned(open.view.recent_uids())),
            SearchKey::Sequence(set) => Self::Among(Cow::Owned(open.view.uids_of_sequence(set))),
            SearchKey::Uid(set) => Self::Among(Cow::Owned(open.view.uids_of_uids(set))),
            SearchKey::Saved => Self::Among(Cow::Borrowed(&open.saved)),
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

    /// Approximate number of tests.
    fn tests(&self) -> usize {
        match self {
            Self::Among(_) | Self::Flag(..) | Self::Keyword(..) => 1,
            Self::Not(condition) => condition.tests(),
            Self::Or(left, right) => left.tests() + right.tests(),
            Self::And(conditions) => 1 + conditions.iter().map(Self::tests).sum::<usize>(),
        }
    }

    fn holds(&self, message: &Message) -> bool {
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
