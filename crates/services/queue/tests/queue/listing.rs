//! Listings for the command line and the console.

use api::grpc::Code;
use api::queue::v1::{Component, ListMessagesRequest, Origin};

use crate::harness::{Queue, administrator, submission};

#[tokio::test]
async fn messages_are_listed_oldest_first_page_by_page() {
    let queue = Queue::start().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let mut message = submission([format!("user{n}@example.test").as_str()]);
        message.origin = Some(Origin {
            component: Component::Smtp.into(),
            helo: format!("host{n}"),
            ..Origin::default()
        });
        ids.push(queue.enqueue(message).await.unwrap().message_id);
    }
    let mut after = 0;
    let mut listed = Vec::new();
    loop {
        let request = ListMessagesRequest {
            actor: administrator(),
            after,
            limit: 2,
            ..Default::default()
        };
        let page = queue
            .client()
            .list_messages(request)
            .await
            .unwrap()
            .into_inner();
        assert!(page.messages.len() <= 2);
        listed.extend(page.messages);
        after = page.next;
        if after == 0 {
            break;
        }
    }
    let listed_ids: Vec<i64> = listed.iter().map(|message| message.message_id).collect();
    assert_eq!(listed_ids, ids);
    assert_eq!(listed[3].subject, "greetings");
    assert_eq!(listed[3].size, 30);
    assert_eq!(listed[3].origin.as_ref().unwrap().helo, "host3");
    assert_eq!(listed[3].recipients[0].address, "user3@example.test");
}

#[tokio::test]
async fn messages_are_found_by_parts_of_their_addresses() {
    let queue = Queue::start().await;
    let mut other = submission(["bob@elsewhere.test", "eve@example.test"]);
    other.reverse_path = "carol@example.test".to_owned();
    let other = queue.enqueue(other).await.unwrap().message_id;
    let first = queue
        .enqueue(submission(["dave@example.test"]))
        .await
        .unwrap()
        .message_id;
    for (sender, recipient, expected) in [
        ("", "", vec![other, first]),
        ("ALICE@", "", vec![first]),
        ("carol", "eve", vec![other]),
        ("", "elsewhere", vec![other]),
        ("carol", "dave", vec![]),
        ("%", "", vec![]),
    ] {
        let request = ListMessagesRequest {
            actor: administrator(),
            sender: sender.to_owned(),
            recipient: recipient.to_owned(),
            ..Default::default()
        };
        let page = queue
            .client()
            .list_messages(request)
            .await
            .unwrap()
            .into_inner();
        let found: Vec<i64> = page.messages.iter().map(|m| m.message_id).collect();
        assert_eq!(found, expected, "{sender:?} {recipient:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let queue = Queue::start().await;
    for id in [0, -1, 12_345, i64::MAX] {
        let status = queue.show(id).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{id}");
    }
    let request = api::queue::v1::ReadMessageRequest {
        actor: administrator(),
        message_id: 99,
        header_only: false,
    };
    let status = queue.client().read_message(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let request = api::queue::v1::ReadBodyRequest {
        body_id: 99,
        header_only: false,
    };
    let mut stream = queue
        .client()
        .read_body(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::NotFound);
    let request = ListMessagesRequest {
        actor: administrator(),
        limit: 1001,
        ..Default::default()
    };
    let status = queue.client().list_messages(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn statistics_count_what_waits_and_what_is_leased() {
    let queue = Queue::start().await;
    queue.enqueue(submission(["a@example.test"])).await.unwrap();
    queue.advance(5_000);
    queue
        .enqueue(submission(["b@example.test", "c@example.test"]))
        .await
        .unwrap();
    let counts = queue.statistics().await;
    assert_eq!((counts.messages, counts.recipients, counts.due), (2, 3, 3));
    assert_eq!((counts.oldest_due_ms, counts.workers), (5_000, 0));
    assert_eq!((counts.enqueued, counts.completed), (2, 0));
}
