//! STORE: flags, keywords, UNCHANGEDSINCE.

use super::*;

#[tokio::test]
async fn flags_are_replaced_added_and_removed() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append_with(bob, "INBOX", MESSAGE, 1, &["Work"]).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    /// Mode, flags, and the result.
    type Row = (
        Mode,
        i32,
        &'static [&'static str],
        u32,
        &'static [&'static str],
    );
    let rows: [Row; 7] = [
        (Mode::Add, 4, &["work", "Later"], 5, &["Work", "Later"]),
        (Mode::Add, 0, &["LATER"], 5, &["Work", "Later"]),
        (Mode::Remove, 1, &["WORK", "unknown"], 4, &["Later"]),
        (Mode::Replace, 8, &["$Junk"], 8, &["$Junk"]),
        (Mode::Replace, 0, &[], 0, &[]),
        (Mode::Remove, 31, &["x"], 0, &[]),
        (Mode::Add, 31, &["later"], 31, &["Later"]),
    ];
    for (mode, system, names, expected, keywords) in rows {
        let change = kit.change(&[1, 7], mode, system, names);
        let stored = store_flags(&kit.store, bob, inbox, &change).await.unwrap();
        let flags = stored.messages[0].flags.clone().unwrap();
        assert_eq!(
            (flags.system, flags.keywords),
            (expected, strings(keywords))
        );
        assert_eq!(stored.messages.len(), 1);
        let state = kit.select(bob, "INBOX").await.state;
        assert_eq!(state.unseen, u32::from(expected & 1 == 0));
        assert_eq!(state.deleted, u32::from(expected & 8 != 0));
    }
    let known = kit.select(bob, "INBOX").await.keywords;
    assert_eq!(known, ["Work", "Later", "$Junk"]);
}

#[tokio::test]
async fn what_stays_the_same_keeps_its_modseq() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append_with(bob, "INBOX", MESSAGE, 1, &["a", "b"]).await;
    kit.append(bob, "INBOX", MESSAGE).await;
    let before = kit.select(bob, "INBOX").await;
    let change = kit.change(&[1, 2], Mode::Replace, 1, &["b", "a"]);
    let stored = store_flags(&kit.store, bob, before.state.mailbox_id, &change)
        .await
        .unwrap();
    assert_eq!(stored.messages[0].modseq, before.messages[0].modseq);
    assert_eq!(stored.messages[1].modseq, before.state.highest_modseq + 1);
    let again = store_flags(&kit.store, bob, before.state.mailbox_id, &change)
        .await
        .unwrap();
    assert_eq!(again, stored);
}

#[tokio::test]
async fn messages_that_changed_since_are_left_alone() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append(bob, "INBOX", MESSAGE).await;
    kit.append(bob, "INBOX", MESSAGE).await;
    let before = kit.select(bob, "INBOX").await.state;
    kit.flag(before.mailbox_id, &uids(&[1]), Mode::Add, flag::SEEN)
        .await;
    let mut change = kit.change(&[1, 2, 3], Mode::Add, flag::FLAGGED, &[]);
    change.unchanged_since = Some(before.highest_modseq);
    let stored = store_flags(&kit.store, bob, before.mailbox_id, &change)
        .await
        .unwrap();
    assert_eq!(stored.modified, [1]);
    let flags: Vec<u32> = stored
        .messages
        .iter()
        .map(|message| message.flags.as_ref().unwrap().system)
        .collect();
    assert_eq!(flags, [1, 4]);
}

#[tokio::test]
async fn keywords_have_a_limit_on_a_message_and_in_a_mailbox() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append(bob, "INBOX", MESSAGE).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    for round in 0..6 {
        let names: Vec<String> = (0..100).map(|n| format!("k{round}-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let more = kit.change(&[1], Mode::Add, 0, &names[..2]);
        let all = kit.change(&[1], Mode::Replace, 0, &names);
        // Keywords no longer in use make room.
        store_flags(&kit.store, bob, inbox, &all).await.unwrap();
        if round > 0 {
            continue;
        }
        store_flags(&kit.store, bob, inbox, &more).await.unwrap();
        let beyond = kit.change(&[1], Mode::Add, 0, &["beyond"]);
        let refused = store_flags(&kit.store, bob, inbox, &beyond).await;
        assert!(matches!(refused, Err(Error::Exhausted(_))));
    }
    assert_eq!(flags_of(&kit, bob, "INBOX").await[0].2.len(), 100);
}
