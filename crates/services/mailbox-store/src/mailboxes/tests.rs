#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::sync::Arc;

use super::*;
use crate::messages::Mode;
use crate::test_store::{TestStore, address, name};
use crate::values::UidSet;
use crate::{Error, messages, users};

const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nworld\r\n";

async fn names(kit: &TestStore, user_id: i64) -> Vec<String> {
    let all = list(&kit.store, user_id).await.unwrap();
    all.into_iter().map(|mailbox| mailbox.name).collect()
}

#[tokio::test]
async fn a_new_user_has_the_usual_mailboxes_subscribed() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let all = list(&kit.store, bob).await.unwrap();
    let seen: Vec<(&str, &str)> = all
        .iter()
        .map(|mailbox| (mailbox.name.as_str(), mailbox.special_use.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("Archive", "\\Archive"),
            ("Drafts", "\\Drafts"),
            ("INBOX", ""),
            ("Junk", "\\Junk"),
            ("Sent", "\\Sent"),
            ("Trash", "\\Trash"),
        ]
    );
    assert!(
        all.iter()
            .all(|mailbox| mailbox.subscribed && mailbox.mailbox_id > 0)
    );
    assert!(matches!(
        list(&kit.store, 999).await,
        Err(Error::NotFound(_))
    ));
}

#[tokio::test]
async fn creating_makes_what_is_above_too() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    create(&kit.store, bob, &name("Lists/Rust/Users"), "")
        .await
        .unwrap();
    let all = names(&kit, bob).await;
    for name in ["Lists", "Lists/Rust", "Lists/Rust/Users"] {
        assert!(all.iter().any(|known| known == name), "{name}");
    }
    let again = create(&kit.store, bob, &name("Lists"), "").await;
    assert!(matches!(again, Err(Error::AlreadyExists(_))));
    let inbox = create(&kit.store, bob, &name("inbox"), "").await;
    assert!(matches!(inbox, Err(Error::AlreadyExists(_))));
    let odd = create(&kit.store, bob, &name("Odd"), "\\Odd").await;
    assert!(matches!(odd, Err(Error::Invalid(_))));
    let nobody = create(&kit.store, 999, &name("Lists"), "").await;
    assert!(matches!(nobody, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn i6_a_mailbox_made_again_has_another_uidvalidity() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        let made = create(&kit.store, bob, &name("Work"), "").await.unwrap();
        kit.append(bob, "Work", MESSAGE).await;
        assert!(
            seen.insert(made.uid_validity),
            "{} again",
            made.uid_validity
        );
        delete(&kit.store, bob, &name("Work")).await.unwrap();
    }
    // The same for a name taken over by another mailbox.
    let first = create(&kit.store, bob, &name("a"), "").await.unwrap();
    rename(&kit.store, bob, &name("a"), &name("b"))
        .await
        .unwrap();
    let second = create(&kit.store, bob, &name("a"), "").await.unwrap();
    assert_ne!(first.uid_validity, second.uid_validity);
    let b = kit.select(bob, "b").await.state;
    assert_eq!(
        (b.mailbox_id, b.uid_validity),
        (first.mailbox_id, first.uid_validity)
    );
}

#[tokio::test]
async fn deleting_removes_the_messages_and_gives_their_bodies_up() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    create(&kit.store, bob, &name("Work/Old"), "")
        .await
        .unwrap();
    kit.append(bob, "Work", MESSAGE).await;
    kit.append(bob, "Work/Old", MESSAGE).await;
    let work = kit.mailbox_id(bob, "Work").await;
    delete(&kit.store, bob, &name("Work")).await.unwrap();
    assert!(names(&kit, bob).await.contains(&"Work/Old".to_owned()));
    assert_eq!(kit.count("SELECT count(*) FROM volume.garbage").await, 1);
    assert_eq!(kit.count("SELECT count(*) FROM mailbox.message").await, 1);
    assert!(
        messages::changes(&kit.store, work, 0)
            .await
            .unwrap()
            .deleted
    );
    let again = delete(&kit.store, bob, &name("Work")).await;
    assert!(matches!(again, Err(Error::NotFound(_))));
    let inbox = delete(&kit.store, bob, &name("INBOX")).await;
    assert!(matches!(inbox, Err(Error::Precondition(_))));
}

#[tokio::test]
async fn renaming_takes_along_what_is_below() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    create(&kit.store, bob, &name("Lists/Rust"), "")
        .await
        .unwrap();
    create(&kit.store, bob, &name("Listing"), "").await.unwrap();
    kit.append(bob, "Lists/Rust", MESSAGE).await;
    rename(&kit.store, bob, &name("Lists"), &name("Old/Mail"))
        .await
        .unwrap();
    let all = names(&kit, bob).await;
    for known in ["Old", "Old/Mail", "Old/Mail/Rust", "Listing"] {
        assert!(all.iter().any(|name| name == known), "{known} in {all:?}");
    }
    assert!(
        !all.iter()
            .any(|name| name == "Lists" || name == "Lists/Rust")
    );
    assert_eq!(kit.select(bob, "Old/Mail/Rust").await.state.messages, 1);

    let fails = async |from: &str, to: &str| {
        rename(&kit.store, bob, &name(from), &name(to))
            .await
            .unwrap_err()
    };
    assert!(matches!(fails("Nothing", "Else").await, Error::NotFound(_)));
    assert!(matches!(
        fails("Old", "Listing").await,
        Error::AlreadyExists(_)
    ));
    assert!(matches!(
        fails("Old", "INBOX").await,
        Error::AlreadyExists(_)
    ));
    assert!(matches!(
        fails("Old", "Old/Mail/New").await,
        Error::Precondition(_)
    ));
    // Failed calls have left nothing behind.
    assert_eq!(names(&kit, bob).await, all);
}

#[tokio::test]
async fn renaming_inbox_moves_its_messages() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append_with(bob, "INBOX", MESSAGE, 1, &["Work"]).await;
    kit.append(bob, "INBOX", MESSAGE).await;
    let before = kit.select(bob, "INBOX").await.state;
    rename(&kit.store, bob, &name("INBOX"), &name("Saved"))
        .await
        .unwrap();
    let inbox = kit.select(bob, "INBOX").await.state;
    assert_eq!(inbox.messages, 0);
    assert_eq!(inbox.uid_validity, before.uid_validity);
    assert_eq!(inbox.uid_next, before.uid_next);
    let saved = kit.select(bob, "Saved").await;
    assert_eq!((saved.state.messages, saved.state.unseen), (2, 1));
    assert_eq!(saved.keywords, ["Work"]);
    let gone = messages::changes(&kit.store, inbox.mailbox_id, before.highest_modseq)
        .await
        .unwrap();
    assert_eq!((gone.expunged[0].first, gone.expunged[0].last), (1, 2));
    // An empty INBOX can be renamed as well.
    rename(&kit.store, bob, &name("INBOX"), &name("Empty"))
        .await
        .unwrap();
    assert_eq!(kit.select(bob, "Empty").await.state.messages, 0);
}

#[tokio::test]
async fn subscriptions_are_names() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    set_subscribed(&kit.store, bob, &name("Later"), true)
        .await
        .unwrap();
    set_subscribed(&kit.store, bob, &name("Later"), true)
        .await
        .unwrap();
    set_subscribed(&kit.store, bob, &name("Junk"), false)
        .await
        .unwrap();
    let all = list(&kit.store, bob).await.unwrap();
    let find = |name: &str| all.iter().find(|mailbox| mailbox.name == name).unwrap();
    assert_eq!(
        (find("Later").mailbox_id, find("Later").subscribed),
        (0, true)
    );
    assert!(!find("Junk").subscribed);
    assert!(
        create(&kit.store, bob, &name("Later"), "")
            .await
            .unwrap()
            .subscribed
    );
    delete(&kit.store, bob, &name("Later")).await.unwrap();
    let all = list(&kit.store, bob).await.unwrap();
    assert!(
        all.iter()
            .any(|mailbox| mailbox.name == "Later" && mailbox.mailbox_id == 0)
    );
}

#[tokio::test]
async fn status_answers_in_the_order_of_the_names() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append_with(bob, "Junk", MESSAGE, 8, &[]).await;
    let asked = [name("Junk"), name("INBOX"), name("Junk")];
    let states = status(&kit.store, bob, &asked).await.unwrap();
    let counts: Vec<_> = states
        .iter()
        .map(|state| (state.messages, state.unseen, state.deleted, state.size))
        .collect();
    let size = MESSAGE.len() as u64;
    assert_eq!(counts, [(1, 1, 1, size), (0, 0, 0, 0), (1, 1, 1, size)]);
    for asked in [
        vec![name("INBOX"), name("Nope")],
        vec![name("Nope"), name("INBOX")],
    ] {
        match status(&kit.store, bob, &asked).await {
            Err(Error::NotFound(what)) => assert_eq!(what, "mailbox Nope"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn names_that_change_at_once_do_not_collide() {
    let kit = Arc::new(TestStore::start().await);
    let bob = kit.user("bob@example.test").await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..6 {
        let kit = Arc::clone(&kit);
        tasks.spawn(async move {
            let (own, moved) = (name(&format!("Tree/{n}")), name(&format!("Other/{n}")));
            create(&kit.store, bob, &own, "").await.unwrap();
            kit.append(bob, own.as_str(), MESSAGE).await;
            rename(&kit.store, bob, &own, &moved).await.unwrap();
            kit.append(bob, moved.as_str(), MESSAGE).await;
            if n % 2 == 0 {
                delete(&kit.store, bob, &moved).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let all = names(&kit, bob).await;
    let others: Vec<_> = all
        .iter()
        .filter(|name| name.starts_with("Other/"))
        .collect();
    assert_eq!(others, ["Other/1", "Other/3", "Other/5"]);
}

#[tokio::test]
async fn a_user_is_removed_with_everything_while_others_write() {
    let kit = Arc::new(TestStore::start().await);
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    let writer = {
        let kit = Arc::clone(&kit);
        tokio::spawn(async move {
            for _ in 0..50 {
                kit.deliver(vec![kit.delivery("bob@example.test", body)])
                    .await;
            }
        })
    };
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    kit.flag(inbox, &UidSet::all(), Mode::Add, 8).await;
    users::remove(&kit.store, &address("bob@example.test"))
        .await
        .unwrap();
    writer.await.unwrap();
    for table in [
        "SELECT count(*) FROM mailbox.user",
        "SELECT count(*) FROM mailbox.mailbox",
        "SELECT count(*) FROM mailbox.message",
        "SELECT count(*) FROM mailbox.expunged",
        "SELECT count(*) FROM mailbox.subscription",
    ] {
        assert_eq!(kit.count(table).await, 0, "{table}");
    }
}
