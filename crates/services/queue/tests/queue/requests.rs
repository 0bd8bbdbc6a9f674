//! Delivery options: when and how soon a message is delivered.

use api::queue::v1::{DeliverBy, DeliveryOptions, LeasedRecipient, Outcome, Submission};

use tokio_util::task::AbortOnDropHandle;

use crate::harness::{LeaseStream, Queue, submission};

const MINUTE: i64 = 60_000;

fn prioritised(to: &str, priority: i32) -> Submission {
    Submission {
        options: Some(DeliveryOptions {
            priority,
            ..DeliveryOptions::default()
        }),
        ..submission([to])
    }
}

fn asked(deadline_ms: i64) -> DeliveryOptions {
    DeliveryOptions {
        deliver_by: Some(DeliverBy {
            deadline_ms,
            or_return: true,
            trace: true,
        }),
        priority: -3,
        future_release: "for;3600".to_owned(),
    }
}

/// Grants one credit, and returns the recipient that comes for it.
async fn next(worker: &mut LeaseStream) -> LeasedRecipient {
    worker.grant(1);
    worker.take(1).await.remove(0)
}

/// A worker with one credit left. The queue has scanned its table and found no more.
async fn idle_worker(queue: &Queue) -> LeaseStream {
    let mut worker = queue.worker("worker").await;
    queue.enqueue(submission(["a@example.test"])).await.unwrap();
    worker.grant(2);
    let first = worker.take(1).await;
    assert!(queue.end(&first[0], Outcome::Delivered).await);
    worker
}

#[tokio::test]
async fn what_is_held_outlives_a_restart_and_is_leased_at_its_time_and_not_before() {
    let queue = Queue::start().await;
    let release = queue.now() + 60 * MINUTE;
    let held = Submission {
        hold_until_ms: release,
        options: Some(DeliveryOptions {
            priority: 9,
            future_release: "for;3600".to_owned(),
            ..DeliveryOptions::default()
        }),
        ..submission(["held@example.test"])
    };
    let id = queue.enqueue(held).await.unwrap().message_id;
    queue.advance(60 * MINUTE - 1);
    let queue = queue.restart().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(2);
    // By now the table has been scanned, with a credit to spare.
    queue.enqueue(submission(["b@example.test"])).await.unwrap();
    let ordinary = worker.take(1).await;
    assert_eq!(ordinary[0].address, "b@example.test");
    let shown = queue.show(id).await.unwrap().message.unwrap();
    assert_eq!(shown.recipients[0].due_at_ms, release);
    assert!(!shown.recipients[0].leased);
    assert_eq!(queue.statistics().await.due, 0);

    queue.advance(1);
    // The credit only wakes the scan.
    worker.grant(1);
    let response = worker.response().await.unwrap();
    let message = &response.messages[0];
    assert_eq!(message.recipients[0].address, "held@example.test");
    let options = message.options.as_ref().unwrap();
    assert_eq!(message.released_at_ms, release);
    assert_eq!(options.future_release, "for;3600");
}

#[tokio::test]
async fn what_is_asked_reaches_workers_by_either_way_and_is_shown() {
    let queue = Queue::start().await;
    let mut worker = idle_worker(&queue).await;
    let options = asked(queue.now() + MINUTE);
    let message = |to: &str| Submission {
        options: Some(options.clone()),
        ..submission([to])
    };
    // Handed over after the commit.
    queue.enqueue(message("a@example.test")).await.unwrap();
    let handed = worker.response().await.unwrap().messages.remove(0);
    assert_eq!(handed.options, Some(options.clone()));
    assert!(queue.end(&handed.recipients[0], Outcome::Delivered).await);
    // Found by the scan.
    let id = queue.enqueue(message("b@example.test")).await.unwrap();
    let shown = queue.show(id.message_id).await.unwrap().message.unwrap();
    assert_eq!(shown.options, Some(options.clone()));
    queue.advance(3 * MINUTE);
    worker.grant(1);
    let found = worker.response().await.unwrap().messages.remove(0);
    assert_eq!(found.options, Some(options));
    // Ordinary mail has no options.
    worker.grant(1);
    queue.enqueue(submission(["c@example.test"])).await.unwrap();
    let ordinary = worker.response().await.unwrap().messages.remove(0);
    assert_eq!(ordinary.options, None);
}

#[tokio::test]
async fn the_urgent_overtake_a_backlog_but_not_what_has_waited_for_long() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    queue
        .enqueue(submission(["old@example.test"]))
        .await
        .unwrap();
    queue.advance(21 * MINUTE);
    queue
        .enqueue(submission(["new@example.test"]))
        .await
        .unwrap();
    queue.advance(MINUTE);
    for (to, priority) in [
        ("idle@example.test", -1),
        ("two@example.test", 2),
        ("nine@example.test", 9),
    ] {
        queue.enqueue(prioritised(to, priority)).await.unwrap();
    }
    for expected in ["nine", "old", "two", "new"] {
        let recipient = next(&mut worker).await;
        assert_eq!(recipient.address, format!("{expected}@example.test"));
        assert!(queue.end(&recipient, Outcome::Delivered).await);
    }
    queue.advance(MINUTE);
    assert_eq!(next(&mut worker).await.address, "idle@example.test");
}

#[tokio::test]
async fn nobody_is_shown_as_due_before_they_came() {
    let queue = Queue::start().await;
    let urgent = prioritised("a@example.test", 9);
    let id = queue.enqueue(urgent).await.unwrap().message_id;
    let shown = queue.show(id).await.unwrap().message.unwrap();
    assert_eq!(shown.recipients[0].due_at_ms, queue.now());
    queue.advance(MINUTE);
    let counts = queue.statistics().await;
    assert_eq!((counts.due, counts.oldest_due_ms), (1, MINUTE as u64));
}

#[tokio::test]
async fn without_a_backlog_the_lowest_priority_is_handed_over_at_once() {
    let queue = Queue::start().await;
    let mut worker = idle_worker(&queue).await;
    queue
        .enqueue(prioritised("b@example.test", -9))
        .await
        .unwrap();
    assert_eq!(worker.take(1).await[0].address, "b@example.test");
}

#[tokio::test]
async fn word_of_other_replicas_makes_nobody_stand_back() {
    let queue = Queue::start().await;
    let mut worker = idle_worker(&queue).await;
    let pool = sqlx::PgPool::connect(&queue.url).await.unwrap();
    let others = AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            let told = sqlx::query("SELECT pg_notify('queue_due', '')").execute(&pool);
            told.await.unwrap();
        }
    }));
    for _ in 0..100 {
        let last = prioritised("b@example.test", -9);
        queue.enqueue(last).await.unwrap();
        let handed = worker.take(1).await;
        assert!(queue.end(&handed[0], Outcome::Delivered).await);
        worker.grant(1);
        // The credit is there when the next message comes.
        worker.renew(&[]);
        worker.response().await.unwrap();
    }
    drop(others);
}
