#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::mailbox::v1::delivery_result::Status;
use test_kit::{Postgres, PostgresProxy};

use super::forget_old;
use crate::Error;
use crate::mailboxes;
use crate::messages::{self, FetchItems};
use crate::test_store::{TestStore, all, name, statuses};
use crate::users;
use crate::values::UidSet;

const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nworld\r\n";

#[tokio::test]
async fn a_delivered_message_is_in_the_inbox_with_its_prefix() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let results = kit
        .deliver(vec![kit.delivery("bob@example.test", body)])
        .await;
    assert_eq!(statuses(&results), [(Status::Delivered, 1)]);

    let inbox = kit.select(bob, "INBOX").await;
    assert_eq!(
        (
            inbox.state.messages,
            inbox.state.unseen,
            inbox.state.uid_next
        ),
        (1, 1, 2)
    );
    let wanted = FetchItems {
        content_up_to: 1000,
        size: true,
        ..FetchItems::default()
    };
    let fetched = messages::fetch(
        kit.store.clone(),
        inbox.state.mailbox_id,
        UidSet::all(),
        wanted,
    );
    let fetched = all(fetched).await.unwrap();
    let whole: &[u8] = b"Delivered-To: bob@example.test\r\nSubject: hello\r\n\r\nworld\r\n";
    assert_eq!(fetched[0].content.as_deref(), Some(whole));
    assert_eq!(fetched[0].size, whole.len() as u64);
    assert_eq!(inbox.state.size, whole.len() as u64);
}

#[tokio::test]
async fn i3_a_repeated_delivery_is_a_duplicate_and_changes_nothing() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let delivery = kit.delivery("bob@example.test", body);
    // Twice in one request, in the same batch, and again afterwards.
    let first = kit.deliver(vec![delivery.clone(), delivery.clone()]).await;
    assert_eq!(
        statuses(&first),
        [(Status::Delivered, 1), (Status::Duplicate, 1)]
    );
    let before = kit.select(bob, "INBOX").await.state;
    let again = kit.deliver(vec![delivery.clone()]).await;
    assert_eq!(statuses(&again), [(Status::Duplicate, 1)]);
    assert_eq!(kit.select(bob, "INBOX").await.state, before);
}

#[tokio::test]
async fn i3_a_repeated_delivery_is_a_duplicate_whatever_became_of_the_message() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let delivery = kit.delivery("bob@example.test", body);
    kit.deliver(vec![delivery.clone()]).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    kit.flag(inbox, &UidSet::all(), messages::Mode::Add, 8)
        .await;
    messages::expunge(&kit.store, bob, inbox, &UidSet::all())
        .await
        .unwrap();
    volume::garbage::sweep(kit.store.pool(), i64::MAX)
        .await
        .unwrap();
    assert_eq!(kit.count("SELECT count(*) FROM volume.body").await, 0);
    let again = kit.deliver(vec![delivery.clone()]).await;
    assert_eq!(statuses(&again), [(Status::Duplicate, 1)]);
    users::remove(&kit.store, &crate::test_store::address("bob@example.test"))
        .await
        .unwrap();
    let again = kit.deliver(vec![delivery]).await;
    assert_eq!(statuses(&again), [(Status::Duplicate, 1)]);
}

#[tokio::test]
async fn i3_the_same_recipients_from_many_workers_at_once_arrive_once() {
    let kit = Arc::new(TestStore::start().await);
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let deliveries: Vec<_> = (0..50)
        .map(|_| kit.delivery("bob@example.test", body))
        .collect();
    // Several writers, like those of several replicas.
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..8 {
        let writer = super::Deliverer::start(kit.store.clone());
        let mut deliveries = deliveries.clone();
        deliveries.rotate_left(n * 5);
        tasks.spawn(async move { writer.deliver(deliveries).await.unwrap() });
    }
    let mut delivered = 0;
    while let Some(results) = tasks.join_next().await {
        delivered += results
            .unwrap()
            .iter()
            .filter(|result| result.status() == Status::Delivered)
            .count();
    }
    assert_eq!(delivered, 50);
    assert_eq!(kit.select(bob, "INBOX").await.messages.len(), 50);
}

#[tokio::test]
async fn what_cannot_be_delivered_is_told_and_does_not_hold_back_the_others() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let mut elsewhere = kit.delivery("bob@example.test", body);
    elsewhere.mailbox = name("Junk");
    let mut nowhere = kit.delivery("bob@example.test", body);
    nowhere.mailbox = name("No/Such/Mailbox");
    let results = kit
        .deliver(vec![
            kit.delivery("nobody@example.test", body),
            kit.delivery("bob@example.test", 1),
            kit.delivery("bob@example.test", body),
            elsewhere,
            nowhere,
        ])
        .await;
    let seen: Vec<Status> = results.iter().map(|result| result.status()).collect();
    assert_eq!(
        seen,
        [
            Status::NoSuchUser,
            Status::NoSuchBody,
            Status::Delivered,
            Status::Delivered,
            Status::Delivered,
        ]
    );
    // A mailbox that does not exist: INBOX.
    assert_eq!(kit.select(bob, "INBOX").await.messages.len(), 2);
    assert_eq!(kit.select(bob, "Junk").await.messages.len(), 1);
}

#[tokio::test]
async fn i12_a_message_to_a_hundred_recipients_stores_one_body() {
    let kit = TestStore::start().await;
    let large = [b"Subject: large\r\n\r\n".as_slice(), &vec![b'x'; 200_000]].concat();
    let body = kit.body(&large).await;
    let mut deliveries = Vec::new();
    for n in 0..100 {
        let user = format!("user{n}@example.test");
        kit.user(&user).await;
        deliveries.push(kit.delivery(&user, body));
    }
    let before = kit
        .count("SELECT pg_database_size(current_database())")
        .await;
    let results = kit.deliver(deliveries).await;
    assert!(
        results
            .iter()
            .all(|result| result.status() == Status::Delivered)
    );
    assert_eq!(kit.count("SELECT count(*) FROM volume.body").await, 1);
    assert_eq!(kit.count("SELECT count(*) FROM mailbox.message").await, 100);
    let grown = kit
        .count("SELECT pg_database_size(current_database())")
        .await
        - before;
    assert!(grown < 300_000, "the database has grown by {grown} octets");
}

#[tokio::test]
async fn i5_nobody_sees_a_uid_before_a_lower_one() {
    let kit = Arc::new(TestStore::start().await);
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..4 {
        let kit = Arc::clone(&kit);
        let writer = super::Deliverer::start(kit.store.clone());
        writers.spawn(async move {
            for _ in 0..40 {
                if n == 0 {
                    kit.append(bob, "INBOX", MESSAGE).await;
                } else {
                    let delivery = kit.delivery("bob@example.test", body);
                    writer.deliver(vec![delivery]).await.unwrap();
                }
            }
        });
    }
    // Seen messages stay, and no lower UID or MODSEQ appears later.
    let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
    while seen.len() < 160 {
        let inbox = kit.select(bob, "INBOX").await;
        let highest_uid = seen.keys().next_back().copied().unwrap_or(0);
        let highest_modseq = seen.values().max().copied().unwrap_or(0);
        for message in &inbox.messages {
            match seen.get(&message.uid) {
                Some(modseq) => assert_eq!(*modseq, message.modseq),
                None => {
                    assert!(
                        message.uid > highest_uid,
                        "{} after {highest_uid}",
                        message.uid
                    );
                    assert!(message.modseq > highest_modseq);
                    seen.insert(message.uid, message.modseq);
                }
            }
            assert!(message.uid < inbox.state.uid_next);
            assert!(message.modseq <= inbox.state.highest_modseq);
        }
        assert_eq!(seen.len(), inbox.messages.len());
        assert_eq!(inbox.state.messages as usize, inbox.messages.len());
    }
    while let Some(result) = writers.join_next().await {
        result.unwrap();
    }
}

#[tokio::test]
async fn the_ledger_forgets_after_two_months() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    kit.deliver(vec![kit.delivery("bob@example.test", body)])
        .await;
    let now = crate::clock::now();
    let day = 24 * 60 * 60 * 1000;
    assert_eq!(
        forget_old(kit.store.pool(), now + 59 * day).await.unwrap(),
        0
    );
    assert_eq!(
        forget_old(kit.store.pool(), now + 61 * day).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn a_mailbox_that_is_renamed_deleted_or_made_is_found_by_its_name_of_now() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let deliver = async |mailbox: &str| {
        let mut delivery = kit.delivery("bob@example.test", body);
        delivery.mailbox = name(mailbox);
        let results = kit.deliver(vec![delivery]).await;
        assert_eq!(results[0].status(), Status::Delivered);
    };
    let count = async |mailbox: &str| kit.select(bob, mailbox).await.state.messages;
    deliver("Work").await;
    assert_eq!(count("INBOX").await, 1);
    mailboxes::create(&kit.store, bob, &name("Work"), "")
        .await
        .unwrap();
    deliver("Work").await;
    assert_eq!(count("Work").await, 1);
    mailboxes::rename(&kit.store, bob, &name("Work"), &name("Old"))
        .await
        .unwrap();
    deliver("Work").await;
    assert_eq!((count("INBOX").await, count("Old").await), (2, 1));
    deliver("Old").await;
    mailboxes::delete(&kit.store, bob, &name("Old"))
        .await
        .unwrap();
    deliver("Old").await;
    assert_eq!(count("INBOX").await, 3);
    // A user who is removed and added again is a new user.
    let address = crate::test_store::address("bob@example.test");
    users::remove(&kit.store, &address).await.unwrap();
    let again = kit.user("bob@example.test").await;
    deliver("INBOX").await;
    assert_eq!(kit.select(again, "INBOX").await.state.messages, 1);
}

#[tokio::test]
async fn i11_deliveries_do_not_wait_for_ever_for_a_postgres_that_fell_silent() {
    let proxy = PostgresProxy::start(&Postgres::start().database().await);
    let kit = TestStore::at(proxy.url().to_owned()).await;
    kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    proxy.fall_silent_at("INSERT INTO mailbox.delivery");
    let delivery = kit.delivery("bob@example.test", body);
    let falls_silent = async {
        proxy.is_silent().await;
        // Longer than the limit of a transaction.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(21)).await;
        tokio::time::resume();
    };
    let delivered = async { tokio::join!(kit.deliver(vec![delivery]), falls_silent) };
    let delivered = tokio::time::timeout(Duration::from_secs(60), delivered).await;
    let (results, ()) = delivered.unwrap();
    assert_eq!(statuses(&results), [(Status::Delivered, 1)]);
}

#[tokio::test]
async fn what_was_delivered_behind_a_lost_answer_is_told_when_it_is_repeated() {
    let proxy = PostgresProxy::start(&Postgres::start().database().await);
    let kit = TestStore::at(proxy.url().to_owned()).await;
    let bob = kit.user("bob@example.test").await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let body = kit.body(MESSAGE).await;
    let delivery = kit.delivery("bob@example.test", body);
    let watcher = kit.store.hub().watcher();
    watcher.watch(&[inbox]);
    proxy.cut_off_behind_the_next_commit();
    let (first, ()) = tokio::join!(kit.deliverer.deliver(vec![delivery.clone()]), async {
        proxy.is_cut_off().await;
        proxy.mend();
    });
    assert!(matches!(first, Err(Error::Unavailable(_))), "{first:?}");
    let again = kit.deliver(vec![delivery]).await;
    assert_eq!(statuses(&again), [(Status::Duplicate, 1)]);
    let told = tokio::time::timeout(Duration::from_secs(30), watcher.next()).await;
    assert_eq!(told.unwrap(), [(inbox, 2)]);
}
