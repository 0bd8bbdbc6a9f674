//! Messages of an account that were not collected, as the queue stores them for the next poll and for the
//! administrator.
//!
//! A message that ends the session while it is read must not delay the messages after it for ever. It is read
//! again in a session of its own, after the others; at the third failure it is set aside for a week.
//!
//! A server may list it under another name in each session. Its name here is then that of its header section,
//! once that is known.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use api::collection::v1::{UncollectedMessage, UncollectedMessages};

use crate::identity::UNNAMED;

/// How often a message may end a session before it is set aside.
const TRIES: u32 = 3;

/// A message that was set aside is read again after this time.
const SET_ASIDE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Maximum number of reported messages (I7).
const MOST: usize = 1_000;

/// The uncollected messages of one account.
#[derive(Debug, Default)]
pub(crate) struct Uncollected {
    messages: BTreeMap<String, UncollectedMessage>,
    /// Names in the current listing of messages that have another name here.
    listed_as: HashMap<String, String>,
}

/// When a message is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// With the others.
    Together,
    /// After the others: it has ended a session before.
    Alone,
    /// Not in this poll: it is set aside.
    Later,
}

/// A message that was not collected, with the reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left<'a> {
    pub(crate) name: &'a str,
    /// 0 if the server does not give it.
    pub(crate) size: u64,
    /// Empty if unknown.
    pub(crate) subject: &'a str,
    pub(crate) reason: &'a str,
}

/// A message that ended a session and is not listed under its name.
#[derive(Clone, Debug)]
pub(crate) struct Stray {
    pub(crate) size: u64,
    pub(crate) named_by_header: bool,
    message: UncollectedMessage,
}

/// Whether its name is that of its header section.
pub(crate) fn is_named_by_header(message: &UncollectedMessage) -> bool {
    message.remote_id.starts_with(UNNAMED)
}

impl Uncollected {
    pub(crate) fn new(messages: Vec<UncollectedMessage>) -> Self {
        let messages = messages.into_iter();
        Self {
            messages: messages
                .map(|message| (message.remote_id.clone(), message))
                .collect(),
            listed_as: HashMap::new(),
        }
    }

    /// The name here of a listed message.
    pub(crate) fn name<'a>(&'a self, listed: &'a str) -> &'a str {
        self.listed_as.get(listed).map_or(listed, String::as_str)
    }

    fn get(&self, listed: &str) -> Option<&UncollectedMessage> {
        self.messages.get(self.name(listed))
    }

    /// Whether an earlier poll did not collect it.
    pub(crate) fn is_known(&self, listed: &str) -> bool {
        self.get(listed).is_some()
    }

    /// When the message is read.
    pub(crate) fn turn(&self, name: &str, now_ms: i64) -> Turn {
        // A time more than a week away was set by a wrong clock.
        let aside = |message: &UncollectedMessage| {
            let wait = message.retry_at_ms.saturating_sub(now_ms);
            wait > 0 && i128::from(wait) <= SET_ASIDE.as_millis().cast_signed()
        };
        match self.get(name) {
            Some(message) if message.tries > 0 && aside(message) => Turn::Later,
            Some(message) if message.tries > 0 => Turn::Alone,
            _ => Turn::Together,
        }
    }

    /// Whether some messages are to be read alone.
    pub(crate) fn has_alone(&self, now_ms: i64) -> bool {
        let mut names = self.messages.keys();
        names.any(|name| self.turn(name, now_ms) == Turn::Alone)
    }

    /// How often it has ended a session.
    pub(crate) fn tries(&self, name: &str) -> u32 {
        self.get(name).map_or(0, |message| message.tries)
    }

    /// Whether its subject is known.
    pub(crate) fn has_subject(&self, name: &str) -> bool {
        let message = self.get(name);
        message.is_some_and(|message| !message.subject.is_empty())
    }

    /// Stores its subject.
    pub(crate) fn set_subject(&mut self, name: &str, subject: String) {
        let name = self.name(name).to_owned();
        if let Some(message) = self.messages.get_mut(&name) {
            message.subject = subject;
        }
    }

    /// The session ended while it was read, or its server refused to send it. Returns the number of failures.
    pub(crate) fn failed(&mut self, left: Left<'_>, now_ms: i64) -> u32 {
        let message = self.note(left, now_ms);
        message.tries += 1;
        message.set_aside = message.tries >= TRIES;
        message.retry_at_ms = if message.set_aside {
            now_ms.saturating_add(SET_ASIDE.as_millis() as i64)
        } else {
            0
        };
        message.tries
    }

    /// A rule or a limit refuses it.
    pub(crate) fn refused(&mut self, left: Left<'_>, retry_after: Duration, now_ms: i64) {
        let message = self.note(left, now_ms);
        message.tries = 0;
        message.set_aside = false;
        message.retry_at_ms = now_ms.saturating_add(retry_after.as_millis() as i64);
    }

    fn note(&mut self, left: Left<'_>, now_ms: i64) -> &mut UncollectedMessage {
        let name = self.name(left.name).to_owned();
        let message = self
            .messages
            .entry(name.clone())
            .or_insert_with(|| UncollectedMessage {
                remote_id: name,
                first_at_ms: now_ms,
                ..UncollectedMessage::default()
            });
        message.size = left.size;
        left.reason.clone_into(&mut message.reason);
        message.last_at_ms = now_ms;
        if !left.subject.is_empty() {
            left.subject.clone_into(&mut message.subject);
        }
        message
    }

    /// It has been collected.
    pub(crate) fn collected(&mut self, name: &str) {
        let name = self.name(name).to_owned();
        self.messages.remove(&name);
    }

    /// Begins with a listing of these names. Returns the messages that ended a session and are not in it.
    pub(crate) fn begin_listing(&mut self, names: &HashSet<String>) -> Vec<Stray> {
        self.listed_as.clear();
        let messages = self.messages.values();
        let strays = messages.filter(|one| one.tries > 0 && !names.contains(&one.remote_id));
        strays
            .map(|message| Stray {
                size: message.size,
                named_by_header: is_named_by_header(message),
                message: message.clone(),
            })
            .collect()
    }

    /// A listed message is the one with the name `known`, if there is one. Returns whether there is.
    pub(crate) fn recognize(&mut self, listed: &str, known: &str) -> bool {
        let is_known = self.messages.contains_key(known);
        if is_known {
            self.listed_as.insert(listed.to_owned(), known.to_owned());
        }
        is_known
    }

    /// A listed message may be this one: it is read alone, too. One more failure is enough to set it aside.
    /// `name` is the name of its header section, if that is known.
    pub(crate) fn suspect(&mut self, listed: &str, name: Option<(String, String)>, of: &Stray) {
        let (name, subject) = name.unwrap_or_else(|| (listed.to_owned(), String::new()));
        let message = UncollectedMessage {
            remote_id: name.clone(),
            subject,
            tries: of.message.tries.min(TRIES - 1),
            set_aside: false,
            retry_at_ms: 0,
            ..of.message.clone()
        };
        if name != listed {
            self.listed_as.insert(listed.to_owned(), name.clone());
        }
        self.messages.entry(name).or_insert(message);
    }

    /// Removes messages that are not in the listing, unless `keep` says otherwise.
    pub(crate) fn keep_listed(
        &mut self,
        names: &HashSet<String>,
        keep: impl Fn(&UncollectedMessage) -> bool,
    ) {
        let listed: HashSet<&String> = names.iter().chain(self.listed_as.values()).collect();
        self.messages
            .retain(|name, message| listed.contains(name) || keep(message));
    }

    /// The number of messages that have ended a session, and of those set aside.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let failed = self.messages.values().filter(|message| message.tries > 0);
        let set_aside = failed.clone().filter(|message| message.set_aside);
        (failed.clone().count(), set_aside.count())
    }

    /// The report for the queue; messages that end sessions come first.
    pub(crate) fn report(&self) -> UncollectedMessages {
        let mut messages: Vec<UncollectedMessage> = self.messages.values().cloned().collect();
        messages.sort_by_key(|message| (message.tries == 0, message.first_at_ms));
        messages.truncate(MOST);
        UncollectedMessages { messages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 3600 * 1000;

    fn left(name: &str) -> Left<'_> {
        Left {
            name,
            size: 5,
            subject: "",
            reason: "the server closed the connection",
        }
    }

    #[test]
    fn what_ends_sessions_is_read_alone_and_set_aside_at_the_third_time_for_a_week() {
        let mut uncollected = Uncollected::default();
        assert_eq!(uncollected.turn("a", 0), Turn::Together);
        for now in 1..=2 {
            uncollected.failed(left("a"), now);
            assert_eq!(uncollected.turn("a", now), Turn::Alone);
        }
        uncollected.failed(left("a"), 3);
        assert_eq!(uncollected.turn("a", 3), Turn::Later);
        assert_eq!(uncollected.turn("a", 7 * DAY_MS + 2), Turn::Later);
        assert_eq!(uncollected.turn("a", 7 * DAY_MS + 3), Turn::Alone);
        // One more failure is enough then.
        uncollected.failed(left("a"), 7 * DAY_MS + 3);
        assert_eq!(uncollected.turn("a", 14 * DAY_MS), Turn::Later);
        assert_eq!(uncollected.counts(), (1, 1));
        // The clock was forty days ahead then.
        assert_eq!(uncollected.turn("a", -33 * DAY_MS), Turn::Alone);
        uncollected.collected("a");
        assert_eq!(uncollected.turn("a", 14 * DAY_MS), Turn::Together);
    }

    #[test]
    fn what_a_rule_refuses_holds_up_nothing() {
        let mut uncollected = Uncollected::default();
        uncollected.refused(left("a"), Duration::from_secs(60), 1);
        assert_eq!(uncollected.turn("a", 1), Turn::Together);
        assert_eq!(uncollected.counts(), (0, 0));
        assert_eq!(uncollected.report().messages.len(), 1);
        uncollected.keep_listed(&HashSet::new(), |_| false);
        assert_eq!(uncollected.report().messages.len(), 0);
    }

    #[test]
    fn a_subject_that_is_known_is_kept() {
        let mut uncollected = Uncollected::default();
        uncollected.failed(
            Left {
                subject: "it",
                ..left("a")
            },
            1,
        );
        uncollected.failed(left("a"), 2);
        let messages = uncollected.report().messages;
        assert_eq!((messages[0].subject.as_str(), messages[0].tries), ("it", 2));
        assert_eq!((messages[0].first_at_ms, messages[0].last_at_ms), (1, 2));
    }
}
