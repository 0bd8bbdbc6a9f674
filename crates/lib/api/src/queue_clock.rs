//! The queue's clock, for comparisons with times stored by the queue: this machine's clock may be off.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::clock::now_ms;

/// Milliseconds since 1970. Clones share the clock.
#[derive(Clone)]
pub struct QueueClock {
    own: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// The last time reported by the queue, and when it was received.
    queue: Arc<Mutex<Option<(i64, Instant)>>>,
}

impl std::fmt::Debug for QueueClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QueueClock({})", self.now_ms())
    }
}

impl QueueClock {
    /// A clock based on the system's.
    #[must_use]
    pub fn system() -> Self {
        Self::of(now_ms)
    }

    /// A clock based on this function.
    #[must_use]
    pub fn of(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            own: Arc::new(now_ms),
            queue: Arc::default(),
        }
    }

    /// Sets the time reported by the queue; an older version reports 0.
    pub fn follow(&self, queue_ms: i64) {
        if queue_ms > 0 {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            *queue = Some((queue_ms, Instant::now()));
        }
    }

    /// The queue's time, extrapolated since its last report; this machine's time before the first report.
    pub fn now_ms(&self) -> i64 {
        let queue = *self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue {
            Some((queue_ms, at)) => {
                let since = i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX);
                queue_ms.saturating_add(since)
            }
            None => self.own_ms(),
        }
    }

    /// This machine's time.
    pub fn own_ms(&self) -> i64 {
        (self.own)()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_queue_s_clock_is_followed_and_our_own_is_none_of_its_business() {
        let clock = QueueClock::of(|| 5);
        clock.follow(0);
        assert_eq!(clock.now_ms(), 5, "an older queue does not say");
        clock.follow(1_000_000);
        assert_eq!(clock.now_ms(), 1_000_000);
        tokio::time::advance(Duration::from_millis(250)).await;
        assert_eq!(clock.clone().now_ms(), 1_000_250);
        // The clock was set back.
        clock.follow(900_000);
        assert_eq!(clock.now_ms(), 900_000);
        assert_eq!(clock.own_ms(), 5);
    }
}
