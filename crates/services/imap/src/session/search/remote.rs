//! Search keys in the store's form: sequence numbers have become UIDs.

use api::mailbox::v1::search_key::Key;
use api::mailbox::v1::{DateRange, HeaderKey, SearchKey as WireKey, SearchKeys, UidSet};
use imap_protocol::command::SearchKey;
use imap_protocol::{Day, RangeSet};

use crate::session::expunge::uid_ranges;
use crate::session::selected::OpenMailbox;

/// Number of UID ranges that the key's `$` adds.
pub(super) fn saved_ranges(search: &SearchKey, open: &OpenMailbox) -> usize {
    saved_keys(search).saturating_mul(open.saved.ranges().count())
}

fn saved_keys(search: &SearchKey) -> usize {
    match search {
        SearchKey::Saved => 1,
        SearchKey::Not(key) => saved_keys(key),
        SearchKey::Or(left, right) => saved_keys(left) + saved_keys(right),
        SearchKey::And(keys) => keys.iter().map(saved_keys).sum(),
        _ => 0,
    }
}

/// Converts the key.
pub(super) fn key(key: &SearchKey, open: &OpenMailbox) -> WireKey {
    WireKey {
        key: Some(translate(key, open)),
    }
}

fn translate(search: &SearchKey, open: &OpenMailbox) -> Key {
    let nested = |inner: &SearchKey| key(inner, open);
    let all = |keys: &[SearchKey]| SearchKeys {
        keys: keys.iter().map(nested).collect(),
    };
    match search {
        SearchKey::All => Key::All(true),
        SearchKey::Flag(flag, true) => Key::Flag(flag.bits()),
        SearchKey::Flag(flag, false) => not(Key::Flag(flag.bits())),
        SearchKey::Keyword(keyword, true) => Key::Keyword(keyword.as_str().to_owned()),
        SearchKey::Keyword(keyword, false) => not(Key::Keyword(keyword.as_str().to_owned())),
        SearchKey::Recent => uids(&open.view.recent_uids()),
        SearchKey::Sequence(set) => uids(&open.view.uids_of_sequence(set)),
        SearchKey::Uid(set) => uids(&open.view.uids_of_uids(set)),
        SearchKey::Saved => uids(&open.saved),
        SearchKey::Before(day) => Key::InternalDate(before(*day)),
        SearchKey::On(day) => Key::InternalDate(on(*day)),
        SearchKey::Since(day) => Key::InternalDate(since(*day)),
        SearchKey::SentBefore(day) => Key::SentDate(before(*day)),
        SearchKey::SentOn(day) => Key::SentDate(on(*day)),
        SearchKey::SentSince(day) => Key::SentDate(since(*day)),
        SearchKey::Header(name, value) => Key::Header(HeaderKey {
            name: name.clone(),
            value: value.clone(),
        }),
        SearchKey::Body(text) => Key::Body(text.clone()),
        SearchKey::Text(text) => Key::Text(text.clone()),
        SearchKey::Larger(size) => Key::Larger(*size),
        SearchKey::Smaller(size) => Key::Smaller(*size),
        SearchKey::Younger(seconds) => Key::Younger(*seconds),
        SearchKey::Older(seconds) => Key::Older(*seconds),
        SearchKey::Not(key) => Key::Not(Box::new(nested(key))),
        SearchKey::Or(left, right) => Key::Or(SearchKeys {
            keys: vec![nested(left), nested(right)],
        }),
        SearchKey::And(keys) => Key::And(all(keys)),
    }
}

fn not(key: Key) -> Key {
    Key::Not(Box::new(WireKey { key: Some(key) }))
}

fn uids(uids: &RangeSet) -> Key {
    if uids.is_empty() {
        return not(Key::All(true));
    }
    Key::Uids(UidSet {
        ranges: uid_ranges(uids),
    })
}

fn before(day: Day) -> DateRange {
    DateRange {
        from: None,
        before: Some(day.since_1970()),
    }
}

fn on(day: Day) -> DateRange {
    DateRange {
        from: Some(day.since_1970()),
        before: Some(day.since_1970().saturating_add(1)),
    }
}

fn since(day: Day) -> DateRange {
    DateRange {
        from: Some(day.since_1970()),
        before: None,
    }
}
