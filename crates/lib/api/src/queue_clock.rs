//! What time it is, for whatever compares with a message's times: they are by the queue's clock, and
//! this machine's may be off by any amount.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Milliseconds since 1970. Clones are the same clock.
#[derive(Clone)]
pub(crate) struct Clock {
    own: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// What the queue's clock showed, and when that was.
    queue: Arc<Mutex<Option<(i64, Instant)>>>,
}

impl Clock {
    pub(crate) fn system() -> Self {
        Self::of(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| {
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            })
        })
    }

    /// One whose own time is that.
    pub(crate) fn of(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            own: Arc::new(now_ms),
            queue: Arc::default(),
        }
    }

    /// The queue has just said what its clock shows; an older version does not, and says 0.
    pub(crate) fn follow(&self, queue_ms: i64) {
        if queue_ms > 0 {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            *queue = Some((queue_ms, Instant::now()));
        }
    }

    /// By the queue's clock; by this machine's while the queue has not said.
    pub(crate) fn now_ms(&self) -> i64 {
        let queue = *self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue {
            Some((queue_ms, at)) => {
                let since = i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX);
                queue_ms.saturating_add(since)
            }
            None => self.own_ms(),
        }
    }

    /// What this machine's clock shows.
    pub(crate) fn own_ms(&self) -> i64 {
        (self.own)()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_queue_s_clock_is_followed_and_our_own_is_none_of_its_business() {
        let clock = Clock::of(|| 5);
        clock.follow(0);
        assert_eq!(clock.now_ms(), 5, "an older queue does not say");
        clock.follow(1_000_000);
        assert_eq!(clock.now_ms(), 1_000_000);
        tokio::time::advance(Duration::from_millis(250)).await;
        assert_eq!(clock.clone().now_ms(), 1_000_250);
        // It was set back.
        clock.follow(900_000);
        assert_eq!(clock.now_ms(), 900_000);
        assert_eq!(clock.own_ms(), 5);
    }
}
