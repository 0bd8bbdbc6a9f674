#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::sync::Arc;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::messages::Mode;
use crate::store::Store;
use crate::test_store::{TestStore, address, pool};
use crate::users;
use crate::values::UidSet;

#[test]
fn what_is_encoded_is_decoded() {
    let origin = Origin::random();
    let notices = [
        Notice::Mailboxes(vec![(1, 2), (i64::MAX, GONE)]),
        Notice::User {
            address: "bob@example.test".into(),
            exists: true,
        },
        Notice::User {
            address: "\"a b\"@example.test".into(),
            exists: false,
        },
        Notice::Password { user_id: 7 },
    ];
    for notice in notices {
        let payloads = notice.encode(origin);
        assert_eq!(Notice::decode(&payloads[0]), Some((origin, notice)));
    }
    for payload in ["", "x", "1 m 5", "1 z 5", "1 u bob", "zz m 1=2"] {
        assert_eq!(Notice::decode(payload), None, "{payload:?}");
    }
}

#[test]
fn many_changes_are_told_in_payloads_that_postgres_takes() {
    let changes: Vec<(i64, u64)> = (0..2000).map(|n| (i64::MAX - n, GONE)).collect();
    let origin = Origin::random();
    let payloads = Notice::Mailboxes(changes.clone()).encode(origin);
    assert!(payloads.iter().all(|payload| payload.len() < 8000));
    let decoded: Vec<(i64, u64)> = payloads
        .iter()
        .flat_map(|payload| match Notice::decode(payload) {
            Some((_, Notice::Mailboxes(changes))) => changes,
            _ => Vec::new(),
        })
        .collect();
    assert_eq!(decoded, changes);
    assert!(Notice::Mailboxes(Vec::new()).encode(origin).is_empty());
}

#[tokio::test]
async fn a_watcher_hears_of_its_mailboxes_alone_and_several_changes_as_one() {
    let hub = Arc::new(Hub::default());
    let watcher = hub.watcher();
    watcher.watch(&[1, 2]);
    hub.publish(&[(1, 5), (3, 9)]);
    hub.publish(&[(1, 7), (2, 4)]);
    // An older notice that arrives late changes nothing.
    hub.publish(&[(1, 6)]);
    assert_eq!(watcher.next().await, [(1, 7), (2, 4)]);
    assert_eq!(watcher.next().now_or_never(), None);
    watcher.unwatch(&[2]);
    hub.publish(&[(2, 8)]);
    assert_eq!(watcher.next().now_or_never(), None);
    drop(watcher);
    assert!(hub.watched().is_empty());
}

/// Another replica on the same database.
async fn replica(kit: &TestStore, shutdown: &CancellationToken) -> Store {
    let store = Store::new(pool(&kit.url).await);
    let (hub, origin) = (store.hub().clone(), store.origin());
    let mut lost = hub.users();
    tokio::spawn(listen(store.pool().clone(), hub, origin, shutdown.clone()));
    // The replica reports this once it listens.
    assert_eq!(lost.recv().await.unwrap(), UserNotice::Lost);
    store
}

#[tokio::test]
async fn changes_are_told_here_and_on_other_replicas() {
    let kit = TestStore::start().await;
    let shutdown = CancellationToken::new();
    let other = replica(&kit, &shutdown).await;
    let mut others_users = other.hub().users();
    let bob = kit.user("bob@example.test").await;
    let added = UserNotice::User {
        address: "bob@example.test".into(),
        exists: true,
    };
    assert_eq!(others_users.recv().await.unwrap(), added);

    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let (here, there) = (kit.store.hub().watcher(), other.hub().watcher());
    here.watch(&[inbox]);
    there.watch(&[inbox]);
    kit.append(bob, "INBOX", b"Subject: a\r\n\r\nb\r\n").await;
    assert_eq!(here.next().await, [(inbox, 2)]);
    assert_eq!(there.next().await, [(inbox, 2)]);
    kit.flag(inbox, &UidSet::all(), Mode::Add, 1).await;
    assert_eq!(there.next().await, [(inbox, 3)]);
    // A change without effect is not reported.
    kit.flag(inbox, &UidSet::all(), Mode::Add, 1).await;

    users::remove(&kit.store, &address("bob@example.test"))
        .await
        .unwrap();
    assert_eq!(there.next().await, [(inbox, GONE)]);
    let removed = UserNotice::User {
        address: "bob@example.test".into(),
        exists: false,
    };
    assert_eq!(others_users.recv().await.unwrap(), removed);
    shutdown.cancel();
}

#[tokio::test]
async fn where_mailboxes_stand_is_told_and_those_that_are_gone_too() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let mut present = present(kit.store.pool(), &[inbox, 999_999]).await.unwrap();
    present.sort_unstable();
    assert_eq!(present, [(inbox, 1), (999_999, GONE)]);
}
