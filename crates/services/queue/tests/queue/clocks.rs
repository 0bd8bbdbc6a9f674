//! Machines with wrong clocks. All times are by the queue's clock, which is the database's.

use api::queue::v1::{CompleteRequest, DeliverBy, DeliveryOptions, Outcome, Submission};

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

#[tokio::test]
async fn times_from_now_on_are_counted_by_the_queue_s_clock_whoever_submits() {
    const HOUR_MS: i64 = 3_600_000;
    let queue = Queue::start().await;
    for ahead in [40 * DAY_MS, -40 * DAY_MS] {
        let theirs = queue.now() + ahead;
        let held = Submission {
            clock_ms: theirs,
            hold_until_ms: theirs + HOUR_MS,
            options: Some(DeliveryOptions {
                deliver_by: Some(DeliverBy {
                    deadline_ms: theirs + 2 * HOUR_MS,
                    ..DeliverBy::default()
                }),
                future_release: "for;3600".to_owned(),
                ..DeliveryOptions::default()
            }),
            ..submission(["bob@example.test"])
        };
        let id = queue.enqueue(held).await.unwrap().message_id;
        let shown = queue.show(id).await.unwrap().message.unwrap();
        let asked = shown.options.unwrap();
        assert_eq!(shown.recipients[0].due_at_ms, queue.now() + HOUR_MS);
        assert_eq!(shown.released_at_ms, queue.now() + HOUR_MS);
        let deadline = asked.deliver_by.unwrap().deadline_ms;
        assert_eq!(deadline, queue.now() + 2 * HOUR_MS);
    }
}

#[tokio::test]
async fn i4_replicas_whose_clocks_are_apart_go_by_the_database_s() {
    let url = test_kit::Postgres::start().database().await;
    let ahead = Queue::start_ahead(url.clone(), 40 * DAY_MS).await;
    let behind = Queue::start_ahead(url, -40 * DAY_MS).await;
    for (from, to) in [(&ahead, &behind), (&behind, &ahead)] {
        let mail = submission(["bob@example.test"]);
        from.enqueue(mail).await.unwrap();
        // Due at the other replica as well; no lease of one replica has expired for the other.
        let mut worker = to.worker("worker").await;
        worker.grant(1);
        let leased = worker.take(1).await;
        assert_eq!(from.statistics().await.leased, 1);
        let mut other = from.worker("other").await;
        other.grant(1);
        other.renew(&[]);
        assert!(other.response().await.unwrap().messages.is_empty());
        assert!(to.end(&leased[0], Outcome::Delivered).await, "still held");
    }
}
