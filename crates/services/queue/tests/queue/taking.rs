//! Accepting messages.

use api::grpc::Code;
use api::message::v1::{Chunk, content};
use api::queue_features::Features;
use bytes::Bytes;
use sqlx::Connection;

use crate::collection::no_upload;
use crate::harness::{Queue, read, submission};

#[tokio::test]
async fn a_queue_says_what_it_understands_before_it_is_given_anything() {
    let queue = Queue::start().await;
    let answer = queue.client().enqueue(tokio_stream::pending()).await;
    let answer = answer.unwrap();
    let said = answer.metadata();
    assert!(said.contains_key("postern-queue-features"), "{said:?}");
    assert_eq!(Features::announced(said), Features::all());
}

#[tokio::test]
async fn i1_accepted_means_committed() {
    let queue = Queue::start().await;
    let accepted = queue
        .enqueue(submission(["bob@example.test", "carol@example.test"]))
        .await
        .unwrap();
    // Another connection sees it, so it is committed; and the commit was synchronous.
    let mut connection = sqlx::PgConnection::connect(&queue.url).await.unwrap();
    let (recipients, size): (i64, i64) = sqlx::query_as(
        "SELECT count(*), max(b.size) FROM queue.recipient r
         JOIN queue.message m ON m.id = r.id >> 14 JOIN volume.body b ON b.id = m.body_id
         WHERE m.id = $1",
    )
    .bind(accepted.message_id)
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!((recipients, size), (2, 30));
}

#[tokio::test]
async fn i1_the_services_own_connections_commit_synchronously() {
    let url = test_kit::Postgres::start().database().await;
    // The server's default is off here.
    let pool = database::connect(&url, &database::Options::new("test", 1))
        .await
        .unwrap();
    let setting: String = sqlx::query_scalar("SHOW synchronous_commit")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(setting, "on");
}

#[tokio::test]
async fn many_submissions_of_one_stream_are_answered_by_tag() {
    let queue = Queue::start().await;
    let mut submitter = queue.submitter().await;
    for tag in 0..500 {
        submitter.send(tag, submission(["bob@example.test"]));
    }
    let mut tags = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..500 {
        let (tag, accepted) = submitter.answer().await;
        tags.push(tag);
        ids.push(accepted.unwrap().message_id);
    }
    tags.sort_unstable();
    assert_eq!(tags, (0..500).collect::<Vec<_>>());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 500);
    assert_eq!(queue.statistics().await.recipients, 500);
}

#[tokio::test]
async fn a_large_text_is_stored_before_its_message_and_read_in_pieces() {
    let queue = Queue::start().await;
    let text: Vec<u8> = (0..700_000u32).map(|n| (n % 251) as u8).collect();
    let chunks: Vec<Chunk> = text
        .chunks(100_000)
        .map(|piece| Chunk {
            data: Bytes::copy_from_slice(piece),
            last: false,
        })
        .chain([Chunk {
            data: Bytes::new(),
            last: true,
        }])
        .collect();
    let stored = queue
        .client()
        .store_text(tokio_stream::iter(chunks))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(stored.size, 700_000);

    let mut large = submission(["bob@example.test"]);
    let content = large.content.as_mut().unwrap();
    content.text = Some(content::Text::Stored(stored.name.clone()));
    content.text_size = 700_001;
    let refused = queue.enqueue(large.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");

    large.content.as_mut().unwrap().text_size = 700_000;
    // The number of the upload, which follows that of the one before, is not enough.
    let mut guessed = large.clone();
    let mut name = stored.name.to_vec();
    *name.last_mut().unwrap() ^= 1;
    guessed.content.as_mut().unwrap().text = Some(content::Text::Stored(name.into()));
    let refused = queue.enqueue(guessed).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");

    let accepted = queue.enqueue(large.clone()).await.unwrap();
    let header = b"Subject: greetings\r\n\r\n".to_vec();
    assert_eq!(read(&queue, accepted.message_id, true).await, header);
    let whole = [header, text].concat();
    assert_eq!(read(&queue, accepted.message_id, false).await, whole);

    let again = queue.enqueue(large).await.unwrap_err();
    assert_eq!(
        again.code(),
        Code::InvalidArgument,
        "a text is taken once: {again}"
    );
}

#[tokio::test]
async fn one_bad_submission_does_not_spoil_its_batch() {
    let queue = Queue::start().await;
    let mut submitter = queue.submitter().await;
    for tag in 0..20 {
        let mut submission = submission(["bob@example.test"]);
        if tag % 4 == 0 {
            let content = submission.content.as_mut().unwrap();
            content.text = Some(content::Text::Stored(no_upload()));
        }
        submitter.send(tag, submission);
    }
    for _ in 0..20 {
        let (tag, answer) = submitter.answer().await;
        assert_eq!(answer.is_err(), tag % 4 == 0, "{tag}: {answer:?}");
    }
    assert_eq!(queue.statistics().await.messages, 15);
}

#[tokio::test]
async fn i7_a_text_that_ends_without_its_last_piece_is_put_away() {
    let queue = Queue::start().await;
    let piece = |last| Chunk {
        data: Bytes::from(vec![b'x'; 256 * 1024]),
        last,
    };
    let broken_off = queue
        .client()
        .store_text(tokio_stream::iter([piece(false), piece(false)]))
        .await
        .unwrap_err();
    assert_eq!(broken_off.code(), Code::Cancelled, "{broken_off}");
    // Pieces after the last one are ignored.
    let stored = queue
        .client()
        .store_text(tokio_stream::iter([
            piece(false),
            piece(true),
            piece(false),
        ]))
        .await
        .unwrap();
    assert_eq!(stored.into_inner().size, 512 * 1024);

    let pool = sqlx::PgPool::connect(&queue.url).await.unwrap();
    let due: i64 = sqlx::query_scalar("SELECT count(*) FROM volume.garbage WHERE due_at <= $1")
        .bind(queue.now())
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(due, 1, "the one that was broken off, at once");
}
