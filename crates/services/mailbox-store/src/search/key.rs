//! Search keys.

use api::mailbox::v1 as proto;
use api::mailbox::v1::search_key::Key as ProtoKey;

use super::fold::fold;
use crate::values::{UidSet, signed, system_flags};
use crate::{Error, Result};

/// Maximum number of keys in one search.
const MOST_KEYS: usize = 1000;
/// Maximum depth of nested keys.
const DEEPEST: usize = 50;
/// Maximum length of a search string.
const LONGEST: usize = 1000;
/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// A search key. Its strings are folded ([`super::fold`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// All messages.
    All,
    /// All of these.
    And(Vec<Key>),
    /// At least one of these.
    Or(Vec<Key>),
    /// Not this.
    Not(Box<Key>),
    /// These UIDs.
    Uids(UidSet),
    /// With this system flag.
    Flag(i32),
    /// With this keyword.
    Keyword(String),
    /// Larger than this.
    Larger(i64),
    /// Smaller than this.
    Smaller(i64),
    /// Received from the first time on and before the second, in milliseconds since 1970.
    Received(Option<i64>, Option<i64>),
    /// Received at most this many milliseconds ago.
    Younger(i64),
    /// Received at least this many milliseconds ago.
    Older(i64),
    /// Sent from the first day on and before the second, in days since 1970.
    Sent(Option<i32>, Option<i32>),
    /// With a header field of this name that contains this string.
    Header(String, String),
    /// With this in the text.
    Body(Needle),
    /// With this in header or text.
    Text(Needle),
    /// Changed at this MODSEQ or later.
    Modseq(i64),
}

/// A string to be found in texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    pub(super) text: String,
    /// Its index in [`Key::needles`].
    pub(super) index: usize,
}

impl Key {
    /// Parses a request's key.
    pub fn parse(key: proto::SearchKey) -> Result<Self> {
        let mut parser = Parser {
            keys: 0,
            needles: 0,
        };
        parser.key(key, DEEPEST)
    }

    /// Whether it needs headers or texts.
    pub(super) fn needs_content(&self) -> bool {
        self.any(&|key| {
            matches!(
                key,
                Self::Sent(..) | Self::Header(..) | Self::Body(_) | Self::Text(_)
            )
        })
    }

    /// Whether MODSEQ is one of its keys.
    pub(super) fn names_modseq(&self) -> bool {
        self.any(&|key| matches!(key, Self::Modseq(_)))
    }

    /// All strings to be found in texts.
    pub(super) fn needles(&self) -> Vec<&str> {
        let mut needles = Vec::new();
        self.collect_needles(&mut needles);
        needles
    }

    fn collect_needles<'a>(&'a self, needles: &mut Vec<&'a str>) {
        match self {
            Self::And(keys) | Self::Or(keys) => {
                keys.iter().for_each(|key| key.collect_needles(needles));
            }
            Self::Not(key) => key.collect_needles(needles),
            Self::Body(needle) | Self::Text(needle) => needles.push(&needle.text),
            _ => {}
        }
    }

    fn any(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        test(self)
            || match self {
                Self::And(keys) | Self::Or(keys) => keys.iter().any(|key| key.any(test)),
                Self::Not(key) => key.any(test),
                _ => false,
            }
    }
}

struct Parser {
    keys: usize,
    needles: usize,
}

impl Parser {
    fn key(&mut self, key: proto::SearchKey, depth: usize) -> Result<Key> {
        self.keys += 1;
        if self.keys > MOST_KEYS || depth == 0 {
            return Err(Error::Invalid("the search has too many keys".into()));
        }
        let key = key
            .key
            .ok_or_else(|| Error::Invalid("a search key is missing".into()))?;
        Ok(match key {
            ProtoKey::All(true) => Key::All,
            ProtoKey::All(false) => Key::Not(Box::new(Key::All)),
            ProtoKey::And(keys) => Key::And(self.keys(keys, depth)?),
            ProtoKey::Or(keys) => Key::Or(self.keys(keys, depth)?),
            ProtoKey::Not(key) => Key::Not(Box::new(self.key(*key, depth - 1)?)),
            ProtoKey::Uids(set) => Key::Uids(UidSet::parse(&set.ranges)?),
            ProtoKey::Flag(bit) => Key::Flag(system_flags(bit)?),
            ProtoKey::Keyword(name) => Key::Keyword(short(name)?),
            ProtoKey::Larger(octets) => Key::Larger(signed(octets)),
            ProtoKey::Smaller(octets) => Key::Smaller(signed(octets)),
            ProtoKey::InternalDate(range) => {
                let at = |day: i32| i64::from(day) * DAY;
                Key::Received(range.from.map(at), range.before.map(at))
            }
            ProtoKey::SentDate(range) => Key::Sent(range.from, range.before),
            ProtoKey::Header(header) => {
                Key::Header(short(header.name)?, fold(&short(header.value)?))
            }
            ProtoKey::Body(text) => Key::Body(self.needle(text)?),
            ProtoKey::Text(text) => Key::Text(self.needle(text)?),
            ProtoKey::Modseq(modseq) => Key::Modseq(signed(modseq)),
            ProtoKey::Younger(seconds) => Key::Younger(i64::from(seconds) * 1000),
            ProtoKey::Older(seconds) => Key::Older(i64::from(seconds) * 1000),
        })
    }

    fn keys(&mut self, keys: proto::SearchKeys, depth: usize) -> Result<Vec<Key>> {
        keys.keys
            .into_iter()
            .map(|key| self.key(key, depth - 1))
            .collect()
    }

    fn needle(&mut self, text: String) -> Result<Needle> {
        let needle = Needle {
            text: fold(&short(text)?),
            index: self.needles,
        };
        self.needles += 1;
        Ok(needle)
    }
}

fn short(text: String) -> Result<String> {
    // Postgres accepts no NUL, and no mail contains one.
    if text.len() > LONGEST || text.contains('\0') {
        return Err(Error::Invalid(
            "a string that is searched for is too long".into(),
        ));
    }
    Ok(text)
}
