//! Messages that share a body (I12).

use api::grpc::Code;
use api::message::v1::{Content, content};
use api::queue::v1::{DerivedKind, LeasedMessage, Outcome, Submission};
use sqlx::{Connection, PgConnection, PgPool};

use crate::derived::{end, next, over};
use crate::harness::{Queue, read, submission};

const HEADER: &str = "Subject: greetings\r\n\r\n";
const TEXT: &str = "Hello.\r\n";

/// Content that is a stored body.
fn stored(body_id: i64) -> Content {
    Content {
        text: Some(content::Text::Body(body_id)),
        ..Content::default()
    }
}

async fn sweep(queue: &Queue) -> i64 {
    let pool = PgPool::connect(&queue.url).await.unwrap();
    // Bodies deferred by an earlier sweep are tried again.
    volume::garbage::sweep(&pool, i64::MAX - 86_400_000)
        .await
        .unwrap();
    sqlx::query_scalar("SELECT count(*) FROM volume.body")
        .fetch_one(&pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn i12_messages_share_a_body_and_the_last_one_takes_it_along() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let first = Submission {
        prefix: "Received: once\r\n".into(),
        ..submission(["bob@example.test"])
    };
    let first_id = queue.enqueue(first).await.unwrap().message_id;
    let first = next(&mut worker).await;
    assert_eq!(first.prefix, "Received: once\r\n");
    let whole = format!("Received: once\r\n{HEADER}{TEXT}");
    assert_eq!(first.size, whole.len() as u64);
    assert_eq!(read(&queue, first_id, false).await, whole.as_bytes());

    let forward = Submission {
        prefix: "Received: twice\r\nReceived: once\r\n".into(),
        ..over(&first, ["carol@example.test"])
    };
    let made = vec![(DerivedKind::Forward, forward)];
    let forwarded = end(&first, Outcome::Forwarded, made);
    queue.complete(forwarded).await.unwrap();
    let second = next(&mut worker).await;
    assert_ne!(second.message_id, first_id);
    assert_eq!(second.body_id, first.body_id);
    let whole = format!("Received: twice\r\nReceived: once\r\n{HEADER}{TEXT}");
    assert_eq!(second.size, whole.len() as u64);
    let second_id = second.message_id;
    assert_eq!(read(&queue, second_id, false).await, whole.as_bytes());
    let header = whole.strip_suffix(TEXT).unwrap();
    assert_eq!(read(&queue, second_id, true).await, header.as_bytes());
    let shown = queue.show(second_id).await.unwrap().message.unwrap();
    assert_eq!(
        (&*shown.subject, shown.size),
        ("greetings", whole.len() as u64)
    );

    assert_eq!(sweep(&queue).await, 1, "the forward needs it");
    assert!(queue.end(&second.recipients[0], Outcome::Relayed).await);
    assert_eq!(sweep(&queue).await, 0);
}

/// A message delivered here leaves its body to the mailbox. The mailbox may have dropped it while the message was
/// still in the queue.
#[tokio::test]
async fn a_body_that_a_mailbox_has_dropped_before_the_queue_goes_too() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    queue
        .enqueue(submission(["bob@example.test", "eve@example.test"]))
        .await
        .unwrap();
    let message = next(&mut worker).await;
    let [bob, eve] = &message.recipients[..] else {
        panic!("two recipients: {message:?}");
    };
    assert!(queue.end(bob, Outcome::Delivered).await);
    let pool = PgPool::connect(&queue.url).await.unwrap();
    // As an expunge does.
    volume::garbage::add(&pool, &[message.body_id], 1)
        .await
        .unwrap();
    let swept = volume::garbage::sweep(&pool, 1).await.unwrap();
    assert_eq!((swept.removed, swept.postponed), (0, 1));
    assert!(queue.end(eve, Outcome::Relayed).await);
    let swept = volume::garbage::sweep(&pool, 1 + 86_400_000).await.unwrap();
    assert_eq!(swept.removed, 1);
}

/// A front end that is taken over must not read the mail of others by number.
#[tokio::test]
async fn nobody_submits_a_stored_body() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let of_bob = next(&mut worker).await.body_id;
    let ordinary = submission(["bob@example.test"]).content.unwrap();
    let with_header = Content {
        text: Some(content::Text::Body(of_bob)),
        ..ordinary
    };
    for (what, content) in [
        ("one that exists", stored(of_bob)),
        ("one that does not", stored(404)),
        ("with a header", with_header),
    ] {
        let message = Submission {
            content: Some(content),
            ..submission(["eve@example.test"])
        };
        let status = queue.enqueue(message).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status}");
    }
    let mut connection = PgConnection::connect(&queue.url).await.unwrap();
    let messages: i64 = sqlx::query_scalar("SELECT count(*) FROM queue.message")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(messages, 1);
}

#[tokio::test]
async fn a_derived_message_has_its_parent_s_body_or_its_own() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let mut leased: Vec<LeasedMessage> = Vec::new();
    for to in ["bob@example.test", "eve@example.test"] {
        queue.enqueue(submission([to])).await.unwrap();
        leased.push(next(&mut worker).await);
    }
    let (of_bob, parent) = (&leased[0], &leased[1]);
    let to = ["mallory@other.test"];
    for (what, outcome, kind, submission) in [
        (
            "another's body",
            Outcome::Forwarded,
            DerivedKind::Forward,
            over(of_bob, to),
        ),
        (
            "another's body in a copy",
            Outcome::Delivered,
            DerivedKind::Copy,
            over(of_bob, to),
        ),
        (
            "another's body in a notice",
            Outcome::Bounced,
            DerivedKind::Notice,
            over(of_bob, to),
        ),
        (
            "the parent's body in a notice",
            Outcome::Bounced,
            DerivedKind::Notice,
            over(parent, to),
        ),
    ] {
        let request = end(parent, outcome, vec![(kind, submission)]);
        let status = queue.complete(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status}");
    }
    let shown = queue.show(parent.message_id).await.unwrap();
    assert_eq!((shown.history, shown.children), (vec![], vec![]));
    let made = vec![(DerivedKind::Forward, over(parent, to))];
    let forwarded = end(parent, Outcome::Forwarded, made);
    assert_eq!(queue.complete(forwarded).await.unwrap().stale, []);
    assert_eq!(next(&mut worker).await.body_id, parent.body_id);
}

#[tokio::test]
async fn a_prefix_is_made_of_whole_fields() {
    let queue = Queue::start().await;
    for (prefix, good) in [
        ("", true),
        ("A: b\r\n", true),
        ("A: b\r\n folded\r\nC: d\r\n", true),
        ("A: b", false),
        ("A: b\n", false),
        ("A: b\r\n\r\n", false),
        ("A: b\r\ntext\r\n", false),
        (" b\r\n", false),
    ] {
        let message = Submission {
            prefix: prefix.into(),
            ..submission(["bob@example.test"])
        };
        let taken = queue.enqueue(message).await;
        assert_eq!(taken.is_ok(), good, "{prefix:?}: {taken:?}");
    }
}
