//! The running service, called as other processes call it.

use crate::running::{
    MESSAGE, PREFIX, Running, actor, administrator, range, watch as watch_request,
};
use api::directory::v1::{FindUsersRequest, RemoveUserRequest, UserChange, WatchUsersRequest};
use api::grpc::Code;
use api::mailbox::v1::delivery_result::Status;
use api::mailbox::v1::store_flags_request::Mode;
use api::mailbox::v1::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

async fn start() -> (Running, i64) {
    let mut running = Running::start(test_kit::Postgres::start().database().await).await;
    let bob = running.add_user("bob@example.test").await;
    (running, bob)
}

async fn deliver(running: &mut Running, count: usize) -> Vec<u32> {
    let body = running.body(MESSAGE).await;
    let deliveries = (0..count).map(|_| running.delivery(body)).collect();
    let requests = tokio_stream::iter([DeliverRequest { tag: 7, deliveries }]);
    let mut answers = running
        .mailboxes
        .deliver(requests)
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    assert_eq!(answer.tag, 7);
    let Some(deliver_response::Result::Delivered(delivered)) = answer.result else {
        panic!("{answer:?}");
    };
    assert!(answers.message().await.unwrap().is_none());
    assert!(
        delivered
            .results
            .iter()
            .all(|result| result.status() == Status::Delivered)
    );
    delivered.results.iter().map(|result| result.uid).collect()
}

fn flags(system: u32) -> Option<Flags> {
    Some(Flags {
        system,
        keywords: Vec::new(),
    })
}

#[tokio::test]
async fn a_user_logs_in_and_is_found() {
    let (mut running, bob) = start().await;
    let login = async |login: &str, password: &str| running.log_in(login, password).await;
    assert_eq!(login("Bob@Example.Test", "secret").await, Some(bob));
    assert_eq!(login("bob@example.test", "wrong").await, None);
    assert_eq!(login("bob@example.test", "").await, None);
    let addresses = vec!["eve@example.test".into(), "BOB@example.test".into()];
    let found = running
        .directory
        .find_users(FindUsersRequest { addresses })
        .await
        .unwrap();
    assert_eq!(found.into_inner().found, [false, true]);

    let watch = running
        .directory
        .watch_users(WatchUsersRequest {})
        .await
        .unwrap();
    let mut changes = watch.into_inner();
    running.add_user("carol@example.test").await;
    let request = RemoveUserRequest {
        actor: administrator(),
        address: "carol@example.test".into(),
    };
    running.directory.remove_user(request).await.unwrap();
    for exists in [true, false] {
        let change = UserChange {
            address: "carol@example.test".into(),
            exists,
        };
        assert_eq!(changes.message().await.unwrap(), Some(change));
    }
    running.drained().await;
}

#[tokio::test]
async fn a_delivered_message_is_watched_fetched_read_and_found() {
    let (mut running, bob) = start().await;
    let (inbox, _) = running.select(bob, "INBOX").await;
    let mailbox_id = inbox.mailbox_id;

    let (watch, requests) = mpsc::channel(4);
    watch.send(watch_request(bob, &[mailbox_id])).await.unwrap();
    let notices = running
        .mailboxes
        .watch(ReceiverStream::new(requests))
        .await
        .unwrap();
    let mut notices = notices.into_inner();
    let at = |highest_modseq| {
        vec![MailboxChange {
            mailbox_id,
            highest_modseq,
        }]
    };
    assert_eq!(
        notices.message().await.unwrap().unwrap().changes,
        at(inbox.highest_modseq)
    );

    assert_eq!(deliver(&mut running, 2).await, [1, 2]);
    assert_eq!(
        notices.message().await.unwrap().unwrap().changes,
        at(inbox.highest_modseq + 1)
    );

    let request = FetchRequest {
        actor: actor(bob),
        mailbox_id,
        uids: range(1, u32::MAX),
        envelope: true,
        size: true,
        content_up_to: 1000,
        ..FetchRequest::default()
    };
    let mut answers = running.mailboxes.fetch(request).await.unwrap().into_inner();
    let messages = answers.message().await.unwrap().unwrap().messages;
    let whole = [PREFIX, MESSAGE].concat();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].content.as_deref(), Some(whole.as_slice()));
    assert_eq!(messages[0].prefix_size as usize, PREFIX.len());
    assert!(answers.message().await.unwrap().is_none());

    let request = ReadMessageRequest {
        actor: actor(bob),
        mailbox_id,
        uid: 2,
        offset: 0,
        length: 0,
    };
    let mut chunks = running
        .mailboxes
        .read_message(request)
        .await
        .unwrap()
        .into_inner();
    let mut octets = Vec::new();
    while let Some(chunk) = chunks.message().await.unwrap() {
        octets.extend_from_slice(&chunk.data);
    }
    assert_eq!(octets, whole);

    let key = SearchKey {
        key: Some(search_key::Key::Body("WORLD".into())),
    };
    let request = SearchRequest {
        actor: actor(bob),
        mailbox_id,
        key: Some(key),
        after: 0,
    };
    let found = running
        .mailboxes
        .search(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.uids, [1, 2]);
    running.drained().await;
}

#[tokio::test]
async fn messages_are_appended_flagged_copied_moved_and_expunged() {
    let (mut running, bob) = start().await;
    let content = intake::content(MESSAGE).unwrap();
    for _ in 0..3 {
        let request = AppendRequest {
            actor: actor(bob),
            mailbox: "inbox".into(),
            content: Some(content.clone()),
            flags: flags(1),
            internal_date_ms: 0,
        };
        running.mailboxes.append(request).await.unwrap();
    }
    let mailbox_id = running.select(bob, "INBOX").await.0.mailbox_id;
    let copy = |first, last, to: &str| CopyRequest {
        actor: actor(bob),
        mailbox_id,
        uids: range(first, last),
        to: to.into(),
    };
    let copied = running
        .mailboxes
        .copy(copy(1, 2, "Sent"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((copied.from_uids, copied.to_uids), (vec![1, 2], vec![1, 2]));
    let moved = running
        .mailboxes
        .r#move(copy(2, 2, "Sent"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((moved.from_uids, moved.to_uids), (vec![2], vec![3]));
    let missing = running
        .mailboxes
        .copy(copy(1, 1, "Nope"))
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);

    let mut request = StoreFlagsRequest {
        actor: actor(bob),
        mailbox_id,
        uids: range(1, 9),
        mode: Mode::Add.into(),
        flags: flags(8),
        unchanged_since: None,
    };
    let stored = running
        .mailboxes
        .store_flags(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(stored.messages.len(), 2);
    assert!(
        stored
            .messages
            .iter()
            .all(|message| message.flags == flags(9))
    );
    request.mode = Mode::Unspecified.into();
    let invalid = running.mailboxes.store_flags(request).await.unwrap_err();
    assert_eq!(invalid.code(), Code::InvalidArgument);

    let request = ExpungeRequest {
        actor: actor(bob),
        mailbox_id,
        uids: vec![],
    };
    let expunged = running
        .mailboxes
        .expunge(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(expunged.uids, [1, 3]);
    let request = GetChangesRequest {
        actor: actor(bob),
        mailbox_id,
        since_modseq: 1,
    };
    let changes = running
        .mailboxes
        .get_changes(request)
        .await
        .unwrap()
        .into_inner();
    assert!(changes.changed.is_empty());
    let gone: u32 = changes
        .expunged
        .iter()
        .map(|range| range.last - range.first + 1)
        .sum();
    assert_eq!(gone, 3);
    running.drained().await;
}

#[tokio::test]
async fn a_maildrop_is_locked_while_the_stream_is_open() {
    let (mut running, bob) = start().await;
    deliver(&mut running, 1).await;
    let request = LockMaildropRequest { actor: actor(bob) };
    let mut held = running
        .mailboxes
        .lock_maildrop(request.clone())
        .await
        .unwrap()
        .into_inner();
    let inbox = held.message().await.unwrap().unwrap().inbox.unwrap();
    assert_eq!(inbox.messages, 1);
    let refused = running
        .mailboxes
        .lock_maildrop(request.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    drop(held);
    // The server notices as soon as the reset arrives.
    test_kit::in_time("the maildrop is free again", async {
        while running
            .mailboxes
            .lock_maildrop(request.clone())
            .await
            .is_err()
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let nobody = LockMaildropRequest { actor: actor(999) };
    let missing = running.mailboxes.lock_maildrop(nobody).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    running.drained().await;
}

#[tokio::test]
async fn open_streams_end_with_the_shutdown() {
    let (mut running, bob) = start().await;
    let request = LockMaildropRequest { actor: actor(bob) };
    let mut held = running
        .mailboxes
        .lock_maildrop(request)
        .await
        .unwrap()
        .into_inner();
    held.message().await.unwrap();
    let (_watch, requests) = mpsc::channel(4);
    let watch = running
        .mailboxes
        .watch(ReceiverStream::new(requests))
        .await
        .unwrap();
    let mut watch = watch.into_inner();
    let users = running
        .directory
        .watch_users(WatchUsersRequest {})
        .await
        .unwrap();
    let mut users = users.into_inner();
    let (_deliver, requests) = mpsc::channel::<DeliverRequest>(4);
    let deliver = running
        .mailboxes
        .deliver(ReceiverStream::new(requests))
        .await
        .unwrap();
    let mut deliver = deliver.into_inner();
    running.shut_down();
    assert_eq!(held.message().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(watch.message().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(users.message().await.unwrap_err().code(), Code::Unavailable);
    // Everything accepted is answered; here that is nothing.
    assert!(deliver.message().await.unwrap().is_none());
    running.drained().await;
}
