//! The steps, in any order.

use api::mailbox::v1::search_key::Key;
use api::mailbox::v1::store_flags_request::Mode;
use api::mailbox::v1::{
    DateRange, FetchRequest, Flags, HeaderKey, SearchKey, SearchKeys, UidRange,
};
use proptest::prelude::*;

use super::calls::Call;

/// Bodies of messages. The search words occur in texts without encoding.
pub(super) const MESSAGES: [&[u8]; 3] = [
    b"Subject: hello\r\n\r\nworld\r\n",
    b"From: Alice <alice@example.test>\r\nSubject: Large\r\n\r\none line\r\nand another\r\n",
    b"Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
      --b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
      Subject: inner\r\n\r\nworld\r\n--b--\r\n",
];

const NAMES: [&str; 9] = [
    "INBOX", "inbox", "Junk", "Sent", "a", "a/b", "a/b/c", "b", "INBOX/a",
];

#[derive(Debug, Clone)]
pub(super) enum Step {
    Call(Call),
    /// Recipient, index of the body (the index after the last is missing), mailbox.
    Deliver(Vec<(i64, usize, String)>),
    /// The client asks for changes in this mailbox.
    Look(usize),
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let delivery = (0_i64..12, 0..=MESSAGES.len(), name());
    let step = prop_oneof![
        12 => changes().prop_map(Step::Call),
        3 => names().prop_map(Step::Call),
        4 => reads().prop_map(Step::Call),
        4 => prop::collection::vec(delivery, 1..4).prop_map(Step::Deliver),
        4 => (0_usize..20).prop_map(Step::Look),
    ];
    prop::collection::vec(step, 1..40)
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

/// A mailbox by its index among the known ones; INBOX more often than others.
fn mailbox() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(2_usize), 2 => 0_usize..6, 1 => 0_usize..20]
}

fn uids() -> impl Strategy<Value = Vec<UidRange>> {
    let range = (1_u32..12, 0_u32..4).prop_map(|(first, more)| UidRange {
        first,
        last: first + more,
    });
    prop::collection::vec(range, 0..4)
}

fn flags() -> impl Strategy<Value = Flags> {
    let system = prop::sample::select(&[0_u32, 1, 8, 9, 2, 20][..]);
    let keyword = prop::sample::select(&["$Forwarded", "$forwarded", "work", "NonJunk"][..]);
    let keywords = prop::collection::vec(keyword.prop_map(str::to_owned), 0..3);
    (system, keywords).prop_map(|(system, keywords)| Flags { system, keywords })
}

fn changes() -> impl Strategy<Value = Call> {
    let mode = prop::sample::select(&[Mode::Replace, Mode::Add, Mode::Remove][..]);
    let since = prop::option::weighted(0.3, 0_u64..20);
    prop_oneof![
        3 => (name(), 0..MESSAGES.len(), flags(), 1_i64..4).prop_map(
            |(name, message, flags, day)| Call::Append { name, message, flags, day }),
        4 => (mailbox(), uids(), mode, flags(), since).prop_map(
            |(mailbox, uids, mode, flags, unchanged_since)| Call::Store {
                mailbox, uids, mode, flags, unchanged_since }),
        2 => (mailbox(), uids()).prop_map(|(mailbox, uids)| Call::Expunge { mailbox, uids }),
        4 => (mailbox(), uids(), name(), any::<bool>()).prop_map(
            |(mailbox, uids, to, removing)| Call::Copy { mailbox, uids, to, removing }),
    ]
}

fn names() -> impl Strategy<Value = Call> {
    let special_use = prop::sample::select(&["", "", "\\Sent", "\\Nothing"][..]);
    prop_oneof![
        3 => (name(), special_use).prop_map(|(name, special_use)| Call::Create {
            name, special_use: special_use.to_owned() }),
        2 => name().prop_map(|name| Call::Delete { name }),
        2 => (name(), name()).prop_map(|(from, to)| Call::Rename { from, to }),
        2 => (name(), any::<bool>()).prop_map(
            |(name, subscribed)| Call::Subscribe { name, subscribed }),
        1 => Just(Call::List),
    ]
}

fn reads() -> impl Strategy<Value = Call> {
    prop_oneof![
        1 => prop::collection::vec(name(), 0..4).prop_map(|names| Call::Status { names }),
        2 => name().prop_map(|name| Call::Select { name }),
        3 => fetch().prop_map(Call::Fetch),
        1 => (mailbox(), 1_u32..12, 0_u64..80, 0_u64..80).prop_map(
            |(mailbox, uid, offset, length)| Call::Read { mailbox, uid, offset, length }),
        4 => (mailbox(), key(), 0_u32..4).prop_map(
            |(mailbox, key, after)| Call::Search { mailbox, key, after }),
    ]
}

/// The mailbox's id is its index among the known ones.
fn fetch() -> impl Strategy<Value = FetchRequest> {
    let items = any::<[bool; 8]>();
    let content_up_to = prop::sample::select(&[0_u64, 80, 10_000][..]);
    (mailbox(), uids(), items, content_up_to, 0_u64..8).prop_map(
        |(mailbox, uids, items, content_up_to, changed_since)| {
            let [
                flags,
                internal_date,
                size,
                envelope,
                body_structure,
                body,
                parts,
                header,
            ] = items;
            FetchRequest {
                actor: None,
                mailbox_id: i64::try_from(mailbox).unwrap(),
                uids,
                flags,
                internal_date,
                size,
                envelope,
                body_structure,
                body,
                parts,
                header,
                content_up_to,
                changed_since,
            }
        },
    )
}

fn key() -> impl Strategy<Value = SearchKey> {
    let word = || prop::sample::select(&["WORLD", "one", "nothing"][..]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Key::All),
        prop::sample::select(&[1_u32, 8, 2][..]).prop_map(Key::Flag),
        prop::sample::select(&["WORK", "$forwarded"][..])
            .prop_map(|name| Key::Keyword(name.to_owned())),
        uids().prop_map(|ranges| Key::Uids(api::mailbox::v1::UidSet { ranges })),
        (20_u64..200).prop_map(Key::Larger),
        (20_u64..200).prop_map(Key::Smaller),
        (prop::option::of(1_i32..4), prop::option::of(1_i32..4))
            .prop_map(|(from, before)| Key::InternalDate(DateRange { from, before })),
        prop::sample::select(&["", "L", "alice"][..]).prop_map(|value| {
            Key::Header(HeaderKey {
                name: "Subject".to_owned(),
                value: value.to_owned(),
            })
        }),
        word().prop_map(Key::Body),
        word().prop_map(Key::Text),
        (0_u64..12).prop_map(Key::Modseq),
    ];
    let whole = |key| SearchKey { key: Some(key) };
    leaf.prop_map(whole).prop_recursive(2, 8, 3, move |inner| {
        let keys = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            keys.clone()
                .prop_map(move |keys| whole(Key::And(SearchKeys { keys }))),
            keys.prop_map(move |keys| whole(Key::Or(SearchKeys { keys }))),
            inner.prop_map(move |key| whole(Key::Not(Box::new(key)))),
        ]
    })
}
