//! Messages that share a body (I12).

use api::grpc::Code;
use api::message::v1::{Content, content};
use api::queue::v1::{LeasedMessage, Outcome, Submission};
use sqlx::{Connection, PgConnection, PgPool};

use crate::harness::{LeaseStream, Queue, read, submission};

const HEADER: &str = "Subject: greetings\r\n\r\n";
const TEXT: &str = "Hello.\r\n";

/// A message with another message's body.
fn over(body_id: i64, prefix: &'static str) -> Submission {
    Submission {
        prefix: prefix.into(),
        content: Some(Content {
            text: Some(content::Text::Body(body_id)),
            ..Content::default()
        }),
        ..submission(["carol@example.test"])
    }
}

async fn take(worker: &mut LeaseStream) -> LeasedMessage {
    let mut response = worker.response().await.unwrap();
    assert_eq!(response.messages.len(), 1);
    response.messages.pop().unwrap()
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
    let first = take(&mut worker).await;
    assert_eq!(first.prefix, "Received: once\r\n");
    let whole = format!("Received: once\r\n{HEADER}{TEXT}");
    assert_eq!(first.size, whole.len() as u64);
    assert_eq!(read(&queue, first_id, false).await, whole.as_bytes());

    let second = over(first.body_id, "Received: twice\r\nReceived: once\r\n");
    let second_id = queue.enqueue(second).await.unwrap().message_id;
    let second = take(&mut worker).await;
    assert_ne!(second_id, first_id);
    assert_eq!(second.body_id, first.body_id);
    let whole = format!("Received: twice\r\nReceived: once\r\n{HEADER}{TEXT}");
    assert_eq!(second.size, whole.len() as u64);
    assert_eq!(read(&queue, second_id, false).await, whole.as_bytes());
    let header = whole.strip_suffix(TEXT).unwrap();
    assert_eq!(read(&queue, second_id, true).await, header.as_bytes());
    let shown = queue.show(second_id).await.unwrap().message.unwrap();
    assert_eq!(
        (&*shown.subject, shown.size),
        ("greetings", whole.len() as u64)
    );

    assert_eq!(sweep(&queue).await, 1);
    assert!(queue.end(&first.recipients[0], Outcome::Relayed).await);
    assert_eq!(sweep(&queue).await, 1, "the other needs it");
    assert!(queue.end(&second.recipients[0], Outcome::Relayed).await);
    assert_eq!(sweep(&queue).await, 0);
}

#[tokio::test]
async fn a_body_that_is_not_there_is_not_referred_to() {
    let queue = Queue::start().await;
    let ordinary = submission(["bob@example.test"]).content.unwrap();
    for (what, content) in [
        (
            "unknown",
            Content {
                text: Some(content::Text::Body(404)),
                ..Content::default()
            },
        ),
        (
            "with a header",
            Content {
                text: Some(content::Text::Body(404)),
                ..ordinary
            },
        ),
    ] {
        let message = Submission {
            content: Some(content),
            ..submission(["bob@example.test"])
        };
        let status = queue.enqueue(message).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status}");
    }
    let mut connection = PgConnection::connect(&queue.url).await.unwrap();
    let messages: i64 = sqlx::query_scalar("SELECT count(*) FROM queue.message")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(messages, 0);
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
