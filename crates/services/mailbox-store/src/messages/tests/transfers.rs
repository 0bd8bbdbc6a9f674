//! COPY and MOVE.

use super::*;

#[tokio::test]
async fn copies_have_flags_date_and_the_same_body() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append_with(bob, "Junk", MESSAGE, 0, &["WORK"]).await;
    kit.append_with(bob, "INBOX", MESSAGE, 9, &["Work", "Later"])
        .await;
    kit.append(bob, "INBOX", MESSAGE).await;
    let (inbox, junk) = (
        kit.mailbox_id(bob, "INBOX").await,
        kit.mailbox_id(bob, "Junk").await,
    );
    let copied = copy(&kit.store, inbox, &uids(&[2, 1, 9]), bob, &name("Junk"))
        .await
        .unwrap();
    assert_eq!((copied.from_uids, copied.to_uids), (vec![1, 2], vec![2, 3]));
    let target = kit.select(bob, "Junk").await;
    assert_eq!(copied.uid_validity, target.state.uid_validity);
    assert_eq!(
        flags_of(&kit, bob, "Junk").await[1..],
        [(2, 9, strings(&["WORK", "Later"])), (3, 0, Vec::new())]
    );
    let counts = (
        target.state.messages,
        target.state.unseen,
        target.state.deleted,
    );
    assert_eq!(counts, (3, 2, 1));
    assert_eq!(target.keywords, ["WORK", "Later"]);
    assert_eq!(kit.count("SELECT count(*) FROM volume.body").await, 3);
    let wanted = FetchItems {
        internal_date: true,
        ..FetchItems::default()
    };
    let copies = all(fetch(kit.store.clone(), junk, uids(&[2]), wanted))
        .await
        .unwrap();
    assert_eq!(copies[0].internal_date_ms, 1_700_000_000_000);
    let nowhere = copy(&kit.store, inbox, &uids(&[1]), bob, &name("Nope")).await;
    assert!(matches!(nowhere, Err(Error::NotFound(_))));
    let nothing = copy(&kit.store, inbox, &uids(&[50]), bob, &name("Junk"))
        .await
        .unwrap();
    assert!(nothing.to_uids.is_empty());
}

#[tokio::test]
async fn i6_what_is_moved_is_gone_where_it_was_and_logged() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    for _ in 0..3 {
        kit.append(bob, "INBOX", MESSAGE).await;
    }
    let inbox = kit.select(bob, "INBOX").await.state;
    let set = uids(&[1, 3]);
    let moved = move_messages(&kit.store, inbox.mailbox_id, &set, bob, &name("Archive"))
        .await
        .unwrap();
    assert_eq!((moved.from_uids, moved.to_uids), (vec![1, 3], vec![1, 2]));
    let gone = changes(&kit.store, inbox.mailbox_id, inbox.highest_modseq)
        .await
        .unwrap();
    let range = |first, last| UidRange { first, last };
    assert_eq!(gone.expunged, [range(1, 1), range(3, 3)]);
    assert!(gone.changed.is_empty());
    assert_eq!(gone.state.unwrap().messages, 1);
    // No body has lost its last reference.
    assert_eq!(kit.count("SELECT count(*) FROM volume.garbage").await, 0);
    // Within one mailbox: new UIDs replace the old.
    let set = uids(&[2]);
    let within = move_messages(&kit.store, inbox.mailbox_id, &set, bob, &name("INBOX"))
        .await
        .unwrap();
    assert_eq!((within.from_uids, within.to_uids), (vec![2], vec![4]));
    assert_eq!(kit.select(bob, "INBOX").await.state.messages, 1);
}

#[tokio::test]
async fn stores_copies_and_moves_at_once_wait_for_each_other_in_order() {
    let kit = Arc::new(TestStore::start().await);
    let bob = kit.user("bob@example.test").await;
    for mailbox in ["INBOX", "Junk", "Archive"] {
        for _ in 0..5 {
            kit.append(bob, mailbox, MESSAGE).await;
        }
    }
    let mut tasks = tokio::task::JoinSet::new();
    for session in 0..6usize {
        let kit = Arc::clone(&kit);
        tasks.spawn(async move {
            let names = ["INBOX", "Junk", "Archive"];
            for step in 0..12 {
                let (from, to) = (
                    names[(session + step) % 3],
                    names[(session + step * 2 + 1) % 3],
                );
                let id = kit.mailbox_id(bob, from).await;
                let set = UidSet::all();
                match (session + step) % 4 {
                    0 => kit.flag(id, &set, Mode::Add, flag::SEEN).await,
                    1 => drop(
                        copy(&kit.store, id, &uids(&[1, 2]), bob, &name(to))
                            .await
                            .unwrap(),
                    ),
                    2 => drop(
                        move_messages(&kit.store, id, &set, bob, &name(to))
                            .await
                            .unwrap(),
                    ),
                    _ => drop(kit.append(bob, to, MESSAGE).await),
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    for mailbox in ["INBOX", "Junk", "Archive"] {
        counters_are_right(&kit, bob, mailbox).await;
    }
}

#[tokio::test]
async fn without_room_nothing_is_copied_but_into_trash_and_everything_can_be_moved() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    for _ in 0..3 {
        kit.append(bob, "INBOX", MESSAGE).await;
    }
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let full = Room::watch("/".into(), u64::MAX, shutdown).await;
    let store = kit.store.clone().with_room(full);
    let copied = copy(&store, inbox, &uids(&[1]), bob, &name("Archive")).await;
    assert!(matches!(copied, Err(Error::NoRoom)));
    let message = Append::new(bob, name("INBOX"), content(MESSAGE)).unwrap();
    let appended = append(&store, &message).await;
    assert!(matches!(appended, Err(Error::NoRoom)));

    let trashed = copy(&store, inbox, &uids(&[1]), bob, &name("Trash")).await;
    assert_eq!(trashed.unwrap().to_uids, [1]);
    let moved = move_messages(&store, inbox, &uids(&[2]), bob, &name("Archive")).await;
    assert_eq!(moved.unwrap().to_uids, [1]);
}
