//! The lock of a mailbox checks its owner, whatever was found before.

use api::actor::v1::Actor;

use super::*;

#[tokio::test]
async fn a_change_finds_no_mailbox_that_is_anothers() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let eve = kit.user("eve@example.test").await;
    kit.append_with(bob, "INBOX", MESSAGE, flag::DELETED, &[])
        .await;
    let before = kit.select(bob, "INBOX").await;
    let inbox = before.state.mailbox_id;
    let (store, set, to) = (&kit.store, UidSet::all(), name("Trash"));
    let change = kit.change(&[1], Mode::Replace, 0, &[]);
    let refused = [
        ("STORE", store_flags(store, eve, inbox, &change).await.err()),
        ("EXPUNGE", expunge(store, eve, inbox, &set).await.err()),
        ("COPY", copy(store, inbox, &set, eve, &to).await.err()),
        (
            "MOVE",
            move_messages(store, inbox, &set, eve, &to).await.err(),
        ),
    ];
    for (call, error) in refused {
        assert!(
            matches!(error, Some(Error::NotFound(_))),
            "{call}: {error:?}"
        );
    }
    let after = kit.select(bob, "INBOX").await;
    assert_eq!(after.state, before.state);
    assert_eq!(after.messages, before.messages);
    assert_eq!(kit.select(eve, "Trash").await.state.messages, 0);
}

/// Another user could create it between the check and the call.
#[tokio::test]
async fn a_mailbox_that_does_not_exist_is_nobodys_to_ask_for() {
    let kit = TestStore::start().await;
    let actor = Actor {
        user_id: kit.user("eve@example.test").await,
        ..Actor::default()
    };
    let next = kit
        .count("SELECT max(mailbox_id) + 1 FROM mailbox.mailbox")
        .await;
    let refused = kit.store.check_owner(&actor, next).await;
    assert!(matches!(refused, Err(Error::NotFound(_))));
    let bob = kit.user("bob@example.test").await;
    assert_eq!(kit.store.owners(&[next]).await.unwrap()[&next], bob);
    let refused = kit.store.check_owner(&actor, next).await;
    assert!(matches!(refused, Err(Error::NotFound(_))));
}
