#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use api::mailbox::v1::search_key::Key as P;
use api::mailbox::v1::{DateRange, HeaderKey, SearchKey, SearchKeys, UidRange, UidSet};

use futures::FutureExt as _;

use super::*;
use crate::test_store::TestStore;

const DAY: i64 = 24 * 60 * 60 * 1000;
/// A time on day 19,675 since 1970, when the kit's messages were received.
const RECEIVED: i64 = 1_700_000_000_000;

fn key(key: P) -> SearchKey {
    SearchKey { key: Some(key) }
}

fn keys(all: Vec<P>) -> SearchKeys {
    SearchKeys {
        keys: all.into_iter().map(key).collect(),
    }
}

fn not(inner: P) -> P {
    P::Not(Box::new(key(inner)))
}

fn ranges(pairs: &[(u32, u32)]) -> P {
    let ranges = pairs
        .iter()
        .map(|&(first, last)| UidRange { first, last })
        .collect();
    P::Uids(UidSet { ranges })
}

fn header(name: &str, value: &str) -> P {
    P::Header(HeaderKey {
        name: name.into(),
        value: value.into(),
    })
}

fn days(from: Option<i32>, before: Option<i32>) -> DateRange {
    DateRange { from, before }
}

/// 1: plain. 2: encoded header and base64 Latin-1 body. 3: multipart, quoted-printable, with an attached
/// message. 4: almost no header.
async fn mailbox() -> (TestStore, i64) {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append_with(
        bob,
        "INBOX",
        b"From: Alice <alice@example.test>\r\nTo: bob@example.test\r\nSubject: Hello\r\n World\r\n\
          Date: Mon, 13 Nov 2023 23:59:00 -0800\r\n\r\nThe quick brown fox\r\njumps.\r\n",
        1,
        &["Work"],
    )
    .await;
    kit.append_with(
        bob,
        "INBOX",
        b"From: =?iso-8859-1?q?J=FCrgen?= <j@example.test>\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\
          Date: 1 Jan 70 00:00 GMT\r\nMIME-Version: 1.0\r\n\
          Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\n\
          xHJnZXIgbWl0IHp3ZWkgS+RmaWdlbi4=\r\n",
        4,
        &[],
    )
    .await;
    kit.append_with(
        bob,
        "INBOX",
        b"Subject: parts\r\nDate: Tue, 14 Nov 2023 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
          Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble words\r\n\
          --b\r\nContent-Type: text/plain; charset=utf-8\r\n\
          Content-Transfer-Encoding: quoted-printable\r\n\r\nna=C3=AFve caf=\r\n=C3=A9\r\n\
          --b\r\nContent-Type: application/octet-stream\r\n\r\nbinary needle\r\n\
          --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: the nested one\r\n\r\n\
          inner words\r\n--b--\r\n",
        9,
        &["Later"],
    )
    .await;
    kit.append_with(bob, "INBOX", b"\r\nbare\r\n", 0, &[]).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    (kit, inbox)
}

async fn found(kit: &TestStore, inbox: i64, wanted: P, now: i64) -> Vec<u32> {
    let parsed = Key::parse(key(wanted)).unwrap();
    let asked = asked(inbox, &parsed, now);
    search(&kit.store, asked).await.unwrap().uids
}

fn asked(mailbox_id: i64, key: &Key, now: i64) -> Search<'_> {
    Search {
        mailbox_id,
        key,
        after: 0,
        now,
        slice: SLICE * 60,
    }
}

#[tokio::test]
async fn keys_about_the_mailbox() {
    let (kit, inbox) = mailbox().await;
    let day = i32::try_from(RECEIVED / DAY).unwrap();
    let rows: Vec<(P, &[u32])> = vec![
        (P::All(true), &[1, 2, 3, 4]),
        (P::All(false), &[]),
        (P::Flag(1), &[1, 3]),
        (not(P::Flag(1)), &[2, 4]),
        (P::Flag(8), &[3]),
        (P::Keyword("wORK".into()), &[1]),
        (not(P::Keyword("work".into())), &[2, 3, 4]),
        (P::Larger(200), &[2, 3]),
        (P::Smaller(9), &[4]),
        (ranges(&[(2, 3), (9, 12)]), &[2, 3]),
        (ranges(&[(4, u32::MAX)]), &[4]),
        (ranges(&[]), &[]),
        (
            P::InternalDate(days(Some(day), Some(day + 1))),
            &[1, 2, 3, 4],
        ),
        (P::InternalDate(days(Some(day + 1), None)), &[]),
        (P::InternalDate(days(None, Some(day))), &[]),
        (P::Modseq(4), &[3, 4]),
        (P::Younger(60), &[1, 2, 3, 4]),
        (P::Younger(59), &[]),
        (P::Older(60), &[1, 2, 3, 4]),
        (P::Older(61), &[]),
        (P::And(keys(vec![P::Flag(1), P::Flag(8)])), &[3]),
        (P::And(keys(vec![])), &[1, 2, 3, 4]),
        (P::Or(keys(vec![P::Flag(4), P::Flag(8)])), &[2, 3]),
        (P::Or(keys(vec![])), &[]),
        (not(P::Or(keys(vec![P::Flag(4), P::Flag(8)]))), &[1, 4]),
    ];
    for (wanted, expected) in rows {
        let text = format!("{wanted:?}");
        assert_eq!(
            found(&kit, inbox, wanted, RECEIVED + 60_000).await,
            expected,
            "{text}"
        );
    }
}

#[tokio::test]
async fn keys_about_the_content() {
    let (kit, inbox) = mailbox().await;
    let (nov_13, nov_14) = (19_674, 19_675);
    let rows: Vec<(P, &[u32])> = vec![
        (header("Subject", "hello world"), &[1]),
        (header("subject", "grüße"), &[2]),
        (header("SUBJECT", "GRÜßE"), &[2]),
        (header("Subject", ""), &[1, 2, 3]),
        (header("From", "jürgen"), &[2]),
        (header("X-None", ""), &[]),
        (P::Body("QUICK BROWN".into()), &[1]),
        (P::Body("hello".into()), &[]),
        (P::Body("käfigen".into()), &[2]),
        (P::Body("ÄRGER".into()), &[2]),
        (P::Body("naïve café".into()), &[3]),
        (P::Body("inner words".into()), &[3]),
        (P::Body("the nested one".into()), &[3]),
        // Not a text, and not displayed.
        (P::Body("binary needle".into()), &[]),
        (P::Body("preamble words".into()), &[]),
        (P::Body("".into()), &[1, 2, 3, 4]),
        (P::Text("hello".into()), &[1]),
        (P::Text("subject: hello".into()), &[1]),
        (P::Text("jumps".into()), &[1]),
        (P::Text("bare".into()), &[4]),
        (not(P::Text("e".into())), &[]),
        // The day in the header, in its own zone.
        (P::SentDate(days(Some(nov_13), Some(nov_14))), &[1]),
        (P::SentDate(days(Some(nov_14), None)), &[3]),
        (P::SentDate(days(None, Some(1))), &[2]),
        (not(P::SentDate(days(Some(0), None))), &[4]),
        (
            P::And(keys(vec![P::Flag(1), P::Body("words".into())])),
            &[3],
        ),
        (
            P::Or(keys(vec![P::Flag(4), P::Body("fox".into())])),
            &[1, 2],
        ),
        (
            not(P::And(keys(vec![P::Flag(1), P::Body("fox".into())]))),
            &[2, 3, 4],
        ),
        (
            not(P::Or(keys(vec![P::Flag(1), header("Subject", "gr")]))),
            &[4],
        ),
        (
            P::Or(keys(vec![P::Body("fox".into()), P::Body("bare".into())])),
            &[1, 4],
        ),
        (not(not(P::Body("fox".into()))), &[1]),
    ];
    for (wanted, expected) in rows {
        let text = format!("{wanted:?}");
        assert_eq!(
            found(&kit, inbox, wanted, RECEIVED).await,
            expected,
            "{text}"
        );
    }
}

#[tokio::test]
async fn the_highest_modseq_is_told_when_it_is_asked_about() {
    let (kit, inbox) = mailbox().await;
    let about = async |wanted: P| {
        let parsed = Key::parse(key(wanted)).unwrap();
        search(&kit.store, asked(inbox, &parsed, 0))
            .await
            .unwrap()
            .highest_modseq
    };
    assert_eq!(about(P::Modseq(1)).await, 5);
    assert_eq!(about(P::And(keys(vec![P::Modseq(1), P::Flag(4)]))).await, 3);
    assert_eq!(
        about(P::And(keys(vec![P::Modseq(1), P::Body("fox".into())]))).await,
        2
    );
    assert_eq!(about(P::All(true)).await, 0);
}

#[tokio::test]
async fn a_needle_is_found_where_pieces_meet_and_in_large_texts() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    // Stored in chunks of 256 KiB: the needle spans two of them.
    let mut text = vec![b'.'; 262_144 - 3];
    text.extend_from_slice("Nädel".as_bytes());
    text.resize(600_000, b'.');
    let header = b"Content-Type: text/plain; charset=utf-8\r\n\r\n";
    let pieces = futures::stream::iter([Ok::<_, Error>(text.clone().into())]);
    let ids = kit.store.body_ids();
    let stored = volume::store_text(kit.store.pool(), ids, pieces, 1_000_000, 0)
        .await
        .unwrap();
    let mut content = crate::test_store::content(&[header.as_slice(), &text].concat());
    content.text = Some(api::message::v1::content::Text::Stored(stored.name()));
    let append = crate::messages::Append::new(bob, crate::test_store::name("INBOX"), content);
    crate::messages::append(&kit.store, &append.unwrap())
        .await
        .unwrap();
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    assert_eq!(found(&kit, inbox, P::Body("nädel".into()), 0).await, [1]);
    assert_eq!(found(&kit, inbox, P::Body("nadel".into()), 0).await, [0; 0]);
}

#[tokio::test]
async fn more_messages_than_a_page_are_searched() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let (fox, hen) = (b"Subject: fox\r\n\r\na\r\n", b"Subject: hen\r\n\r\nb\r\n");
    let (fox, hen) = (kit.body(fox).await, kit.body(hen).await);
    let deliveries = (0..350)
        .map(|n| kit.delivery("bob@example.test", if n % 50 == 49 { hen } else { fox }))
        .collect();
    kit.deliver(deliveries).await;
    let bob = kit.count("SELECT user_id FROM mailbox.user").await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let expected: Vec<u32> = (1..=7).map(|n| n * 50).collect();
    assert_eq!(
        found(&kit, inbox, header("Subject", "hen"), 0).await,
        expected
    );
    assert_eq!(found(&kit, inbox, P::Body("b".into()), 0).await, expected);
}

#[tokio::test]
async fn a_mailbox_that_is_gone_is_not_an_empty_one() {
    let kit = TestStore::start().await;
    for wanted in [P::All(true), P::Body("x".into())] {
        let parsed = Key::parse(key(wanted)).unwrap();
        let gone = search(&kit.store, asked(999, &parsed, 0)).await;
        assert!(matches!(gone, Err(Error::NotFound(_))));
    }
}

#[test]
fn searches_have_limits() {
    let mut deep = P::All(true);
    for _ in 0..60 {
        deep = not(deep);
    }
    assert!(Key::parse(key(deep)).is_err());
    assert!(Key::parse(key(P::And(keys(vec![P::All(true); 1001])))).is_err());
    assert!(Key::parse(key(P::Body("x".repeat(1001)))).is_err());
    assert!(Key::parse(SearchKey { key: None }).is_err());
    assert!(Key::parse(key(P::Flag(64))).is_err());
}

#[test]
fn folding_is_the_same_in_pieces() {
    let text = "ÄÖÜ ΣΑΣ ΟΔΟΣ İstanbul ß Ǆ";
    let mut pieces = String::new();
    for character in text.chars() {
        fold::fold_into(&character.to_string(), &mut pieces);
    }
    assert_eq!(pieces, fold::fold(text));
    assert_eq!(fold::fold("ΣΑΣ"), fold::fold("σας"));
}

#[tokio::test]
async fn a_search_of_contents_goes_on_where_it_stopped_when_its_time_was_up() {
    let (kit, inbox) = mailbox().await;
    let parsed = Key::parse(key(not(P::Text("quick".into())))).unwrap();
    let mut slice = Search {
        slice: Duration::ZERO,
        ..asked(inbox, &parsed, 0)
    };
    let mut found = Vec::new();
    let mut stops = Vec::new();
    loop {
        let part = search(&kit.store, slice).await.unwrap();
        found.extend(part.uids);
        if part.looked_at_to == 0 {
            break;
        }
        stops.push(part.looked_at_to);
        slice.after = part.looked_at_to.into();
    }
    assert_eq!(found, [2, 3, 4]);
    assert_eq!(stops, [1, 2, 3, 4], "one message each");
    // Matches by rows are returned at once, from there on.
    let seen = Key::parse(key(P::Flag(1))).unwrap();
    let rest = Search {
        after: 1,
        ..asked(inbox, &seen, 0)
    };
    let rest = search(&kit.store, rest).await.unwrap();
    assert_eq!((rest.uids, rest.looked_at_to), (vec![3], 0));
}

#[tokio::test]
async fn i7_so_many_search_contents_at_a_time_and_others_wait_their_turn() {
    let (kit, inbox) = mailbox().await;
    let mut turns = Vec::new();
    while let Some(turn) = kit.store.search_turn().now_or_never() {
        turns.push(turn);
    }
    assert!(!turns.is_empty());
    let parsed = Key::parse(key(P::Text("quick".into()))).unwrap();
    let mut waiting = std::pin::pin!(search(&kit.store, asked(inbox, &parsed, 0)));
    assert!(waiting.as_mut().now_or_never().is_none());
    // Searching flags needs no turn.
    assert_eq!(found(&kit, inbox, P::Flag(8), 0).await, [3]);
    turns.pop();
    assert_eq!(waiting.await.unwrap().uids, [1]);
}
