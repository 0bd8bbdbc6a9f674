//! A collector whose clock is forty days off. Times in the ledger are by the queue's clock.

use std::sync::Arc;

use api::queue_clock::QueueClock;

use super::{Bench, now_ms};

const ONE: &[u8] = b"Message-ID: <1@x>\r\n\r\none\r\n";
const BAD: &[u8] = b"Message-ID: <2@x>\r\n\r\npoison\r\n";
const DAY_MS: i64 = 24 * 3600 * 1000;
const OFF: [i64; 2] = [40 * DAY_MS, -40 * DAY_MS];

/// A bench with a queue whose clock is right and a server with these messages.
async fn bench(leave: &str, messages: &[(&str, &[u8])], ahead_ms: i64) -> Bench {
    let mut bench = Bench::new("pop3", leave, messages).await;
    let services = Arc::get_mut(&mut bench.services).unwrap();
    services.clock = QueueClock::of(move || now_ms() + ahead_ms);
    bench
}

/// Advances the queue's clock by some days.
fn pass(bench: &Bench, days: i64) {
    bench.queue.state().clock_ahead_ms += days * DAY_MS;
}

#[tokio::test]
async fn i10_what_is_left_for_days_is_deleted_at_its_time_and_not_before() {
    for ahead_ms in OFF {
        let mut bench = bench("14 days", &[("u1", ONE)], ahead_ms).await;
        bench.good_poll().await;
        pass(&bench, 13);
        assert_eq!(bench.good_poll().await.left, 1, "{ahead_ms}");
        assert_eq!(bench.server.uidls(), ["u1"]);
        pass(&bench, 1);
        assert_eq!(bench.good_poll().await.left, 0, "{ahead_ms}");
        assert!(bench.server.uidls().is_empty());
    }
}

#[tokio::test]
async fn i10_what_was_set_aside_is_read_again_after_a_week_and_not_before() {
    for ahead_ms in OFF {
        let mut bench = bench("never", &[("u1", BAD), ("u2", ONE)], ahead_ms).await;
        bench.server.state().poisoned = vec![("poison", 20)];
        for _ in 0..4 {
            bench.poll().await;
        }
        let noted = bench.queue.state().uncollected[0].clone();
        assert!(noted.set_aside);
        assert!((noted.last_at_ms - now_ms()).abs() < DAY_MS, "{ahead_ms}");
        // Another collector, whose clock is right, reports to the same queue.
        bench.server.state().poisoned.clear();
        pass(&bench, 6);
        bench.poll().await;
        bench.assert_collected(&[ONE]);
        pass(&bench, 1);
        bench.good_poll().await;
        bench.assert_collected(&[ONE, BAD]);
    }
}
