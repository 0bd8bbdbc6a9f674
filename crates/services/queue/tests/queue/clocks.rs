//! Workers whose clocks are off. All times are by the queue's clock.

use api::queue::v1::{CompleteRequest, Outcome};

use crate::harness::{Queue, completion, submission};

const DAY_MS: i64 = 24 * 3_600_000;

#[tokio::test]
async fn what_is_to_be_tried_again_waits_however_far_the_worker_s_clock_is_off() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    for days in [-40, 0, 40] {
        worker.grant(1);
        queue
            .enqueue(submission(["bob@example.test"]))
            .await
            .unwrap();
        let leased = worker.take(1).await;
        let mut retry = completion(&leased[0], Outcome::Retry);
        retry.retry_at_ms = queue.now() + days * DAY_MS + 60_000;
        retry.retry_after_ms = 60_000;
        let request = CompleteRequest {
            completions: vec![retry],
            ..CompleteRequest::default()
        };
        queue.complete(request).await.unwrap();
        let shown = queue.show(leased[0].recipient_id >> 14).await.unwrap();
        let due = shown.message.unwrap().recipients[0].due_at_ms;
        assert_eq!(due, queue.now() + 60_000, "{days} days");
        queue.advance(60_000);
        worker.grant(1);
        let again = worker.take(1).await;
        assert!(queue.end(&again[0], Outcome::Relayed).await);
    }
}

#[tokio::test]
async fn the_queue_tells_its_clock_and_how_far_a_worker_s_is_off() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    for ahead in [40 * DAY_MS, -40 * DAY_MS, 0] {
        worker.show_clock(queue.now() + ahead);
        let answer = worker.response().await.unwrap();
        assert_eq!(answer.now_ms, queue.now());
        let states = queue.statistics().await.worker_states;
        let [state] = &states[..] else {
            panic!("one worker: {states:?}");
        };
        assert_eq!(state.name, "worker");
        assert_eq!(state.clock_ahead_ms, Some(ahead));
    }
    worker.grant(1);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let response = worker.response().await.unwrap();
    assert_eq!((response.messages.len(), response.now_ms), (1, queue.now()));
}
