//! A connection breaks after the commit: the submitter gets no answer, but the message is committed (I1, I2).

use api::message::v1::{Chunk, content};
use api::queue::v1::Outcome;
use bytes::Bytes;
use test_kit::{Postgres, PostgresProxy};

use crate::harness::{Queue, in_time, submission};

/// One message that is committed without an answer, and one with an answer.
async fn committed_once(uploaded: bool) {
    let proxy = PostgresProxy::start(&Postgres::start().database().await);
    let queue = Queue::start_on(proxy.url().to_owned()).await;
    let mut submission = submission(["bob@example.test"]);
    if uploaded {
        let data = Bytes::from(vec![b'x'; 300_000]);
        let stored = queue
            .client()
            .store_text(tokio_stream::iter([Chunk { data, last: true }]))
            .await
            .unwrap()
            .into_inner();
        let content = submission.content.as_mut().unwrap();
        content.text_size = stored.size;
        content.text = Some(content::Text::Stored(stored.name));
    }
    proxy.cut_off_behind_the_next_commit();
    let (accepted, ()) = tokio::join!(queue.enqueue(submission), async {
        in_time(proxy.is_cut_off()).await;
        proxy.mend();
    });
    let accepted = accepted.unwrap();
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let recipients = worker.take(1).await;
    assert_eq!(recipients[0].recipient_id >> 14, accepted.message_id);
    let counts = queue.statistics().await;
    assert_eq!((counts.messages, counts.recipients), (1, 1));
}

#[tokio::test]
async fn i1_a_message_whose_commit_was_not_answered_is_accepted_once() {
    committed_once(false).await;
}

#[tokio::test]
async fn i1_so_is_one_whose_text_was_uploaded() {
    committed_once(true).await;
}

#[tokio::test]
async fn i2_one_that_has_ended_and_been_swept_meanwhile_is_not_taken_again() {
    let url = Postgres::start().database().await;
    let proxy = PostgresProxy::start(&url);
    let queue = Queue::start_on(proxy.url().to_owned()).await;
    let other = Queue::start_on(url.clone()).await;
    proxy.cut_off_behind_the_next_commit();
    let (accepted, ()) = tokio::join!(queue.enqueue(submission(["bob@example.test"])), async {
        in_time(proxy.is_cut_off()).await;
        let mut worker = other.worker("worker").await;
        worker.grant(10);
        let recipients = worker.take(1).await;
        assert!(other.end(&recipients[0], Outcome::Relayed).await);
        let options = database::Options::new("test", 1);
        let pool = database::connect(&url, &options).await.unwrap();
        let swept = volume::garbage::sweep(&pool, i64::MAX).await.unwrap();
        assert_eq!(swept.removed, 1);
        proxy.mend();
    });
    let accepted = accepted.unwrap();
    let shown = other.show(accepted.message_id).await.unwrap();
    assert_eq!(shown.message, None);
    assert_eq!(shown.history.len(), 1);
    assert_eq!(other.statistics().await.messages, 0);
}
