//! Workers with wrong clocks: all times are by the queue's.

use api::queue::v1::{DeliverBy, DeliveryOptions, Outcome};

use crate::notices;
use crate::system::{System, message, now_ms};

const DAY_MS: i64 = 24 * 3_600_000;

#[tokio::test]
async fn a_message_has_the_time_that_the_queue_gives_it_however_far_the_worker_s_clock_is_off() {
    for ahead in [Some(40 * DAY_MS), Some(-40 * DAY_MS), Some(0), None] {
        let system = System::local_in(|state| state.clock_ahead_ms = ahead).await;
        let now = now_ms() + ahead.unwrap_or(0);
        // No server answers: a temporary failure.
        let mut fresh = message(1, &["x@other.test"]);
        fresh.received_at_ms = now;
        let by = |deadline_ms, or_return| {
            Some(DeliveryOptions {
                deliver_by: Some(DeliverBy {
                    deadline_ms,
                    or_return,
                    trace: false,
                }),
                ..DeliveryOptions::default()
            })
        };
        let mut in_an_hour = message(2, &["x@other.test"]);
        in_an_hour.received_at_ms = now;
        in_an_hour.options = by(now + 3_600_000, true);
        let mut over = message(3, &["x@other.test"]);
        over.received_at_ms = now - 1_000;
        over.options = by(now - 1, true);
        let mut old = message(4, &["x@other.test"]);
        old.received_at_ms = now - 30 * DAY_MS;
        system.queue.give(vec![fresh, in_an_hour, over, old]).await;
        for id in [1, 2] {
            let retry = system.queue.completion(id).await;
            assert_eq!(retry.outcome(), Outcome::Retry, "{ahead:?}: {retry:?}");
            assert_eq!(retry.retry_after_ms, 60_000, "{ahead:?}");
            let at = retry.retry_at_ms - now;
            assert!((60_000..120_000).contains(&at), "{ahead:?}: {at}");
        }
        for id in [3, 4] {
            let late = system.queue.completion(id).await;
            assert_eq!(late.outcome(), Outcome::Bounced, "{ahead:?}: {late:?}");
        }
        let told = system.queue.until(|state| state.notices.first().cloned());
        assert!(!notices::text(&told.await).is_empty());
    }
}

#[tokio::test]
async fn the_worker_tells_what_its_own_clock_shows() {
    let before = now_ms();
    let system = System::local_in(|state| state.clock_ahead_ms = Some(40 * DAY_MS)).await;
    let worker = system.queue.until(|state| state.workers.first().cloned());
    let shown = worker.await.clock_ms;
    assert!((before..=now_ms()).contains(&shown), "{shown}");
}
