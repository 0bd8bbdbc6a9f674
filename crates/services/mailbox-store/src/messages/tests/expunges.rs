//! EXPUNGE, and the reports of it to clients.

use super::*;

#[tokio::test]
async fn i6_uids_are_not_given_again() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append_with(bob, "INBOX", MESSAGE, flag::DELETED, &[])
        .await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    expunge(&kit.store, bob, inbox, &UidSet::all())
        .await
        .unwrap();
    assert_eq!(kit.append(bob, "INBOX", MESSAGE).await, 2);
}

#[tokio::test]
async fn expunge_takes_the_deleted_of_the_named_and_gives_their_bodies_up() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    for system in [8, 0, 8, 9, 8] {
        kit.append_with(bob, "INBOX", MESSAGE, system, &[]).await;
    }
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let some = expunge(&kit.store, bob, inbox, &uids(&[1, 2, 3, 9]))
        .await
        .unwrap();
    assert_eq!(some.uids, [1, 3]);
    let rest = expunge(&kit.store, bob, inbox, &UidSet::all())
        .await
        .unwrap();
    assert_eq!(rest.uids, [4, 5]);
    let none = expunge(&kit.store, bob, inbox, &UidSet::all())
        .await
        .unwrap();
    assert_eq!(
        (none.uids, none.highest_modseq),
        (vec![], rest.highest_modseq)
    );
    let state = kit.select(bob, "INBOX").await.state;
    assert_eq!((state.messages, state.unseen, state.deleted), (1, 1, 0));
    assert_eq!(state.size, MESSAGE.len() as u64);
    assert_eq!(kit.count("SELECT count(*) FROM volume.garbage").await, 4);
    volume::garbage::sweep(kit.store.pool(), i64::MAX)
        .await
        .unwrap();
    assert_eq!(kit.count("SELECT count(*) FROM volume.body").await, 1);
    let changed = changes(&kit.store, inbox, some.highest_modseq)
        .await
        .unwrap();
    assert_eq!(changed.expunged, [UidRange { first: 4, last: 5 }]);
}

#[tokio::test]
async fn i6_expunges_at_once_never_fail_and_each_message_goes_once() {
    let kit = Arc::new(TestStore::start().await);
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let deliveries = (0..120)
        .map(|_| kit.delivery("bob@example.test", body))
        .collect();
    kit.deliver(deliveries).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let mut tasks = tokio::task::JoinSet::new();
    for session in 0..6u32 {
        let kit = Arc::clone(&kit);
        tasks.spawn(async move {
            let mut removed = Vec::new();
            for step in 0..20 {
                let uid = (session * 13 + step * 7) % 120 + 1;
                let set = UidSet::parse(&[UidRange {
                    first: uid,
                    last: uid + 3,
                }])
                .unwrap();
                kit.flag(inbox, &set, Mode::Add, flag::DELETED).await;
                removed.extend(
                    expunge(&kit.store, bob, inbox, &UidSet::all())
                        .await
                        .unwrap()
                        .uids,
                );
            }
            removed
        });
    }
    let mut removed = Vec::new();
    while let Some(uids) = tasks.join_next().await {
        removed.extend(uids.unwrap());
    }
    let selected = kit.select(bob, "INBOX").await;
    let mut known: Vec<u32> = selected
        .messages
        .iter()
        .map(|message| message.uid)
        .collect();
    assert_eq!(selected.state.messages as usize, known.len());
    // Each UID is either present or was removed by one session, and the log has it.
    known.extend(&removed);
    known.sort_unstable();
    assert_eq!(known, (1..=120).collect::<Vec<u32>>());
    removed.sort_unstable();
    let log = changes(&kit.store, inbox, 1).await.unwrap().expunged;
    let logged = UidSet::parse(&log).unwrap();
    let expected: Vec<u32> = (1..=120).filter(|uid| logged.contains(*uid)).collect();
    assert_eq!(removed, expected);
}

#[tokio::test]
async fn changes_are_told_behind_a_modseq() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    for _ in 0..3 {
        kit.append(bob, "INBOX", MESSAGE).await;
    }
    let start = kit.select(bob, "INBOX").await.state;
    let inbox = start.mailbox_id;
    kit.flag(inbox, &uids(&[2]), Mode::Add, flag::SEEN).await;
    kit.flag(inbox, &uids(&[1]), Mode::Add, flag::DELETED).await;
    expunge(&kit.store, bob, inbox, &UidSet::all())
        .await
        .unwrap();
    kit.append(bob, "INBOX", MESSAGE).await;
    let changed = changes(&kit.store, inbox, start.highest_modseq)
        .await
        .unwrap();
    let seen: Vec<u32> = changed.changed.iter().map(|message| message.uid).collect();
    assert_eq!(seen, [2, 4]);
    assert_eq!(changed.expunged, [UidRange { first: 1, last: 1 }]);
    let now = changed.state.unwrap();
    let nothing = changes(&kit.store, inbox, now.highest_modseq)
        .await
        .unwrap();
    assert!(nothing.changed.is_empty() && nothing.expunged.is_empty() && !nothing.deleted);
    mailboxes::create(&kit.store, bob, &name("Empty"), "")
        .await
        .unwrap();
    assert!(changes(&kit.store, 999, 0).await.unwrap().deleted);
}

#[tokio::test]
async fn a_shared_body_is_looked_at_once_and_goes_after_its_last_message() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let eve = kit.user("eve@example.test").await;
    let body = kit.body(MESSAGE).await;
    let deliveries = ["bob@example.test", "eve@example.test"];
    kit.deliver(deliveries.map(|to| kit.delivery(to, body)).to_vec())
        .await;
    // The queue names it when a forward of the message ends.
    let pool = kit.store.pool();
    volume::garbage::add(pool, &[body], 0).await.unwrap();
    let sweep = async || volume::garbage::sweep(pool, i64::MAX).await.unwrap();
    for user in [bob, eve] {
        assert_eq!(sweep().await.referenced, 1);
        assert!(sweep().await.is_nothing());
        let inbox = kit.mailbox_id(user, "INBOX").await;
        kit.flag(inbox, &UidSet::all(), Mode::Add, flag::DELETED)
            .await;
        expunge(&kit.store, user, inbox, &UidSet::all())
            .await
            .unwrap();
    }
    assert_eq!(sweep().await.removed, 1);
    assert_eq!(kit.count("SELECT count(*) FROM volume.body").await, 0);
}

/// The locks that a sweep takes when it asks whether messages refer to a body.
#[tokio::test]
async fn an_expunge_and_a_sweep_take_their_locks_in_one_order() {
    let kit = Arc::new(TestStore::start().await);
    let bob = kit.user("bob@example.test").await;
    kit.append_with(bob, "INBOX", MESSAGE, flag::DELETED, &[])
        .await;
    kit.append_with(bob, "Sent", MESSAGE, 0, &[]).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let bodies: Vec<i64> = sqlx::query_scalar("SELECT id FROM volume.body")
        .fetch_all(kit.store.pool())
        .await
        .unwrap();
    volume::garbage::add(kit.store.pool(), &bodies, 0)
        .await
        .unwrap();
    for deleting in [false, true] {
        let mut sweep = kit.store.pool().begin().await.unwrap();
        sqlx::query("SELECT FROM volume.garbage FOR UPDATE")
            .execute(&mut *sweep)
            .await
            .unwrap();
        let removing = tokio::spawn({
            let kit = Arc::clone(&kit);
            async move {
                if deleting {
                    mailboxes::delete(&kit.store, bob, &name("Sent"))
                        .await
                        .unwrap();
                } else {
                    expunge(&kit.store, bob, inbox, &UidSet::all())
                        .await
                        .unwrap();
                }
            }
        });
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while kit.count(waiting).await == 0 {}
        // If the other transaction had locked these already, both would wait for each other.
        sqlx::query("SELECT FROM mailbox.message FOR KEY SHARE NOWAIT")
            .execute(&mut *sweep)
            .await
            .unwrap();
        sweep.commit().await.unwrap();
        removing.await.unwrap();
    }
    assert_eq!(kit.count("SELECT count(*) FROM mailbox.message").await, 0);
}
