#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::sync::Arc;

use api::mailbox::v1::UidRange;
use futures::TryStreamExt;

use super::*;
use crate::mailboxes;
use crate::test_store::{TestStore, all, content, name, uids};
use crate::values::{UidSet, flag};
use crate::{Error, Result};

mod model;

const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nworld\r\n";

async fn flags_of(kit: &TestStore, user_id: i64, mailbox: &str) -> Vec<(u32, u32, Vec<String>)> {
    let selected = kit.select(user_id, mailbox).await;
    selected
        .messages
        .into_iter()
        .map(|message| {
            let flags = message.flags.unwrap();
            (message.uid, flags.system, flags.keywords)
        })
        .collect()
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn flags_are_replaced_added_and_removed() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append_with(bob, "INBOX", MESSAGE, 1, &["Work"]).await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let rows: [(Mode, i32, &[&str], u32, &[&str]); 7] = [
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
        let stored = store_flags(&kit.store, inbox, &change).await.unwrap();
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
    let stored = store_flags(&kit.store, before.state.mailbox_id, &change)
        .await
        .unwrap();
    assert_eq!(stored.messages[0].modseq, before.messages[0].modseq);
    assert_eq!(stored.messages[1].modseq, before.state.highest_modseq + 1);
    let again = store_flags(&kit.store, before.state.mailbox_id, &change)
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
    let stored = store_flags(&kit.store, before.mailbox_id, &change)
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
        // Those that are not in use any more make room.
        store_flags(&kit.store, inbox, &all).await.unwrap();
        if round > 0 {
            continue;
        }
        store_flags(&kit.store, inbox, &more).await.unwrap();
        let beyond = kit.change(&[1], Mode::Add, 0, &["beyond"]);
        let refused = store_flags(&kit.store, inbox, &beyond).await;
        assert!(matches!(refused, Err(Error::Exhausted(_))));
    }
    assert_eq!(flags_of(&kit, bob, "INBOX").await[0].2.len(), 100);
}

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
    let wanted = Wanted {
        internal_date: true,
        ..Wanted::default()
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
    // Within one mailbox: new UIDs for old.
    let set = uids(&[2]);
    let within = move_messages(&kit.store, inbox.mailbox_id, &set, bob, &name("INBOX"))
        .await
        .unwrap();
    assert_eq!((within.from_uids, within.to_uids), (vec![2], vec![4]));
    assert_eq!(kit.select(bob, "INBOX").await.state.messages, 1);
}

#[tokio::test]
async fn i6_uids_are_not_given_again() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append_with(bob, "INBOX", MESSAGE, flag::DELETED, &[])
        .await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    expunge(&kit.store, inbox, &UidSet::all()).await.unwrap();
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
    let some = expunge(&kit.store, inbox, &uids(&[1, 2, 3, 9]))
        .await
        .unwrap();
    assert_eq!(some.uids, [1, 3]);
    let rest = expunge(&kit.store, inbox, &UidSet::all()).await.unwrap();
    assert_eq!(rest.uids, [4, 5]);
    let none = expunge(&kit.store, inbox, &UidSet::all()).await.unwrap();
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
                    expunge(&kit.store, inbox, &UidSet::all())
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
    // Each UID is either there or was removed by one session, and the log has it.
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

async fn counters_are_right(kit: &TestStore, user_id: i64, mailbox: &str) {
    let selected = kit.select(user_id, mailbox).await;
    let count = |bit: u32, set: bool| {
        let with = selected
            .messages
            .iter()
            .filter(|message| (message.flags.as_ref().unwrap().system & bit != 0) == set);
        u32::try_from(with.count()).unwrap()
    };
    let state = &selected.state;
    assert_eq!(
        state.messages as usize,
        selected.messages.len(),
        "{mailbox}"
    );
    assert_eq!(state.unseen, count(1, false), "{mailbox}");
    assert_eq!(state.deleted, count(8, true), "{mailbox}");
}

#[tokio::test]
async fn octets_of_a_message_are_read_from_any_offset() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    kit.deliver(vec![kit.delivery("bob@example.test", body)])
        .await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let whole = [b"Delivered-To: bob@example.test\r\n".as_slice(), MESSAGE].concat();
    let octets = async |offset: usize, length: usize| -> Result<Vec<u8>> {
        let pieces = read(&kit.store, inbox, 1, offset as u64, length as u64).await?;
        let pieces: Vec<_> = pieces.try_collect().await?;
        Ok(pieces.concat())
    };
    for offset in 0..whole.len() + 2 {
        let start = offset.min(whole.len());
        assert_eq!(octets(offset, 0).await.unwrap(), whole[start..], "{offset}");
        for length in [1, 5, 33, 1000] {
            let end = (start + length).min(whole.len());
            assert_eq!(octets(offset, length).await.unwrap(), whole[start..end]);
        }
    }
    let missing = read(&kit.store, inbox, 2, 0, 0).await.err();
    assert!(matches!(missing, Some(Error::NotFound(_))));
}

#[tokio::test]
async fn a_large_append_comes_by_an_upload_and_is_stored_once() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let text: Vec<u8> = (0..700_000u32)
        .map(|n| b"abcdefg\r\n"[n as usize % 9])
        .collect();
    let pieces = text
        .chunks(100_000)
        .map(|piece| Ok::<_, Error>(piece.to_vec().into()));
    let stored = volume::store_text(
        kit.store.pool(),
        kit.store.body_ids(),
        futures::stream::iter(pieces),
        1_000_000,
        0,
    )
    .await
    .unwrap();
    let header = b"Subject: large\r\n\r\n";
    let mut large = content(&[header.as_slice(), &text].concat());
    large.text = Some(api::message::v1::content::Text::Stored(stored.id));
    let mut wrong = large.clone();
    wrong.text_size -= 1;
    let wrong = Append::new(bob, name("INBOX"), wrong).unwrap();
    assert!(append(&kit.store, &wrong).await.is_err());
    let large = Append::new(bob, name("INBOX"), large).unwrap();
    let appended = append(&kit.store, &large).await.unwrap();
    // Taken once.
    assert!(append(&kit.store, &large).await.is_err());
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let pieces = read(&kit.store, inbox, appended.uid, header.len() as u64, 0)
        .await
        .unwrap();
    let pieces: Vec<_> = pieces.try_collect().await.unwrap();
    assert!(pieces.concat() == text);
    let wanted = Wanted {
        content_up_to: 1_000_000,
        ..Wanted::default()
    };
    kit.append(bob, "INBOX", MESSAGE).await;
    let messages = all(fetch(kit.store.clone(), inbox, UidSet::all(), wanted))
        .await
        .unwrap();
    let sizes: Vec<usize> = messages
        .iter()
        .map(|message| message.content.as_ref().unwrap().len())
        .collect();
    assert_eq!(sizes, [header.len() + text.len(), MESSAGE.len()]);
}

#[tokio::test]
async fn an_append_that_cannot_be_is_refused_and_leaves_nothing() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let nowhere = Append::new(bob, name("Nope"), content(MESSAGE)).unwrap();
    assert!(matches!(
        append(&kit.store, &nowhere).await,
        Err(Error::NotFound(_))
    ));
    assert_eq!(kit.count("SELECT count(*) FROM volume.body").await, 0);
    let broken: [fn(&mut api::message::v1::Content); 3] = [
        |content| content.summary = None,
        |content| content.text_size += 1,
        |content| content.header = vec![b'x'; 200_000].into(),
    ];
    for breaks in broken {
        let mut content = content(MESSAGE);
        breaks(&mut content);
        assert!(matches!(
            Append::new(bob, name("INBOX"), content),
            Err(Error::Invalid(_))
        ));
    }
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
    expunge(&kit.store, inbox, &UidSet::all()).await.unwrap();
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
