//! What this process knows about work that waits in the table, so that it scans when there is
//! something to find and not otherwise.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tokio::sync::Notify;

/// So long the table is not asked without a hint. Another replica may have left something and died
/// before it told, or its word was lost.
const UNASKED_MS: i64 = 30_000;

/// Hints. They may say too much, never too little: a scan that finds nothing costs little.
#[derive(Debug)]
pub(crate) struct Due {
    /// Rows may be due now.
    backlog: AtomicBool,
    /// The earliest time at which a row is known to become due.
    next: AtomicI64,
    /// When the table was asked last.
    asked: AtomicI64,
    /// Wakes the scan.
    wake: Notify,
    /// Wakes the one that tells other replicas.
    tell: Notify,
}

impl Default for Due {
    fn default() -> Self {
        Self {
            // After a start nobody knows what the table holds.
            backlog: AtomicBool::new(true),
            next: AtomicI64::new(i64::MAX),
            asked: AtomicI64::new(0),
            wake: Notify::new(),
            tell: Notify::new(),
        }
    }
}

impl Due {
    /// This process left rows that are due now.
    pub(crate) fn left_now(&self) {
        self.found_now();
        self.tell.notify_one();
    }

    /// Rows may be due now, says somebody else.
    pub(crate) fn found_now(&self) {
        self.backlog.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// A row becomes due at `at`.
    pub(crate) fn at(&self, at: i64) {
        if at < self.next.fetch_min(at, Ordering::SeqCst) {
            self.wake.notify_one();
        }
    }

    /// Somebody may take mail again.
    pub(crate) fn credits_granted(&self) {
        self.wake.notify_one();
    }

    /// Whether rows are known to wait for credits.
    pub(crate) fn has_backlog(&self) -> bool {
        self.backlog.load(Ordering::SeqCst)
    }

    /// Whether a scan can find something. What is told from now on is remembered for the next.
    pub(crate) fn begin_scan(&self, now: i64) -> bool {
        let backlog = self.backlog.swap(false, Ordering::SeqCst);
        // Nor behind a clock that was set back.
        let lately = (0..UNASKED_MS).contains(&(now - self.asked.load(Ordering::SeqCst)));
        let begins = backlog || !lately || self.next.load(Ordering::SeqCst) <= now;
        if begins {
            self.asked.store(now, Ordering::SeqCst);
        }
        begins
    }

    /// The scan broke off: there may be more.
    pub(crate) fn scan_broke_off(&self) {
        self.backlog.store(true, Ordering::SeqCst);
    }

    /// Forgets the time known, because the table is about to be asked.
    pub(crate) fn forget_next(&self) {
        self.next.store(i64::MAX, Ordering::SeqCst);
    }

    /// When a scan is worth while, unless a hint comes before.
    pub(crate) fn next(&self) -> i64 {
        let unasked = self.asked.load(Ordering::SeqCst) + UNASKED_MS;
        self.next.load(Ordering::SeqCst).min(unasked)
    }

    /// Waits until a hint comes.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Waits until there is something to tell other replicas.
    pub(crate) async fn something_to_tell(&self) {
        self.tell.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_asked_when_there_is_a_hint_and_now_and_then_without() {
        let due = Due::default();
        assert!(due.begin_scan(1_000), "nobody knows what it holds");
        due.forget_next();
        assert!(!due.begin_scan(1_000));
        assert_eq!(due.next(), 1_000 + UNASKED_MS);
        due.at(5_000);
        assert_eq!(due.next(), 5_000);
        assert!(!due.begin_scan(4_999));
        assert!(due.begin_scan(5_000));
        due.forget_next();
        due.found_now();
        assert!(due.begin_scan(5_001));
        assert!(!due.begin_scan(5_000 + UNASKED_MS), "it was a little later");
        assert!(due.begin_scan(5_001 + UNASKED_MS));
        assert!(due.begin_scan(4_000), "the clock was set back");
    }
}
