#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use api::mailbox::v1::FetchedMessage;

use super::*;
use crate::Error;
use crate::test_store::{TestStore, all, pool, uids};

const MESSAGE: &[u8] = b"Subject: hello\r\nFrom: bob@example.test\r\n\r\nworld\r\n";

fn everything() -> FetchItems {
    FetchItems {
        flags: true,
        internal_date: true,
        size: true,
        envelope: true,
        body_structure: true,
        body: true,
        parts: true,
        header: true,
        content_up_to: 0,
        changed_since: 0,
    }
}

async fn fetched(
    store: &Store,
    mailbox_id: i64,
    set: UidSet,
    wanted: FetchItems,
) -> Vec<FetchedMessage> {
    all(fetch(store.clone(), mailbox_id, set, wanted))
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_asked_for_is_told_and_nothing_else() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append_with(bob, "INBOX", MESSAGE, 5, &["Work"]).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;

    let message = &fetched(&kit.store, inbox, UidSet::all(), everything()).await[0];
    let flags = message.flags.as_ref().unwrap();
    assert_eq!(
        (flags.system, flags.keywords.as_slice()),
        (5, ["Work".to_owned()].as_slice())
    );
    assert_eq!(message.internal_date_ms, 1_700_000_000_000);
    assert_eq!(message.size, MESSAGE.len() as u64);
    assert!(
        message.envelope.starts_with(b"(NIL \"hello\""),
        "{:?}",
        message.envelope
    );
    assert!(message.body.starts_with(b"(\"text\" \"plain\"") || !message.body.is_empty());
    assert!(!message.body_structure.is_empty());
    assert_eq!(message.parts[0].path, Vec::<u32>::new());
    assert_eq!(message.header, MESSAGE[..MESSAGE.len() - 7]);
    assert_eq!(message.content, None);

    let bare = &fetched(&kit.store, inbox, UidSet::all(), FetchItems::default()).await[0];
    assert_eq!(
        *bare,
        FetchedMessage {
            uid: 1,
            modseq: 2,
            ..FetchedMessage::default()
        }
    );
    let wanted = FetchItems {
        content_up_to: 10,
        envelope: true,
        ..FetchItems::default()
    };
    let large = &fetched(&kit.store, inbox, UidSet::all(), wanted).await[0];
    assert_eq!(large.content, None);
    assert!(!large.envelope.is_empty() && large.header.is_empty());
}

#[tokio::test]
async fn messages_come_by_uid_whatever_the_ranges() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let deliveries = (0..40)
        .map(|_| kit.delivery("bob@example.test", body))
        .collect();
    kit.deliver(deliveries).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let set = uids(&[39, 3, 1, 2, 17, 99, 5, 40]);
    for wanted in [
        FetchItems::default(),
        everything(),
        FetchItems {
            content_up_to: 1000,
            ..everything()
        },
    ] {
        let messages = fetched(&kit.store, inbox, set.clone(), wanted).await;
        let seen: Vec<u32> = messages.iter().map(|message| message.uid).collect();
        assert_eq!(seen, [1, 2, 3, 5, 17, 39, 40]);
        assert!(messages.iter().all(|message| message.modseq == 2));
    }
    let since = FetchItems {
        changed_since: 2,
        ..FetchItems::default()
    };
    assert!(
        fetched(&kit.store, inbox, UidSet::all(), since)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_slow_reader_holds_no_query_and_misses_nothing() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let deliveries = (0..6000)
        .map(|_| kit.delivery("bob@example.test", body))
        .collect();
    kit.deliver(deliveries).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let wanted = FetchItems {
        header: true,
        ..FetchItems::default()
    };
    // Without any patience, the query ends each time the reader is behind.
    let answers = fetch_with(
        kit.store.clone(),
        inbox,
        UidSet::all(),
        wanted,
        Duration::ZERO,
    );
    let messages = all(answers).await.unwrap();
    let seen: Vec<u32> = messages.iter().map(|message| message.uid).collect();
    assert_eq!(seen, (1..=6000).collect::<Vec<u32>>());
}

#[tokio::test]
async fn a_mailbox_that_is_gone_is_not_an_empty_one() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    assert!(
        fetched(&kit.store, inbox, UidSet::all(), FetchItems::default())
            .await
            .is_empty()
    );
    let gone = all(fetch(
        kit.store.clone(),
        999,
        UidSet::all(),
        FetchItems::default(),
    ))
    .await;
    assert!(matches!(gone, Err(Error::NotFound(_))));
}

/// A role that may read all but the text of bodies runs the same queries: its results were made without
/// reading any text.
#[tokio::test]
async fn i13_headers_and_structures_come_without_bodies() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append(bob, "INBOX", MESSAGE).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    sqlx::raw_sql(
        "GRANT USAGE ON SCHEMA volume, mailbox TO pg_monitor;
         GRANT SELECT (id, size, header, summary) ON volume.body TO pg_monitor;
         GRANT SELECT ON ALL TABLES IN SCHEMA mailbox TO pg_monitor;",
    )
    .execute(kit.store.pool())
    .await
    .unwrap();
    let textless = Store::new(
        pool(&format!(
            "{}{}options=-c%20role%3Dpg_monitor",
            kit.url,
            if kit.url.contains('?') { '&' } else { '?' }
        ))
        .await,
    );

    let message = &fetched(&textless, inbox, UidSet::all(), everything()).await[0];
    assert!(!message.envelope.is_empty() && !message.body_structure.is_empty());
    assert!(!message.header.is_empty() && message.size > 0);
    // Proof of the role's limits: whole messages fail.
    let wanted = FetchItems {
        content_up_to: 1000,
        ..FetchItems::default()
    };
    let whole = all(fetch(textless, inbox, UidSet::all(), wanted)).await;
    assert!(matches!(whole, Err(Error::Database(_))), "{whole:?}");
}
