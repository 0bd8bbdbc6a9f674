//! What this process knows of work that waits in the table. It scans only when there may be something to
//! find.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tokio::sync::Notify;

/// Longest time without a scan when there is no hint. Another replica may have left work and died before it
/// sent a notification, or the notification was lost.
const UNASKED_MS: i64 = 30_000;

/// What a scan can expect to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prospect {
    /// Nothing.
    None,
    /// Possibly something; the scan asks the table first.
    Perhaps,
    /// Rows that wait for credits.
    Backlog,
}

/// Hints for the scan. A false alarm is allowed, a missing hint is not: a scan that finds nothing costs
/// little.
#[derive(Debug)]
pub(crate) struct Due {
    /// Rows wait for credits.
    backlog: AtomicBool,
    /// Rows may be due now. This process also hears its own notifications, so there may be none.
    perhaps: AtomicBool,
    /// The earliest time at which a row is known to become due.
    next: AtomicI64,
    /// Time of the last scan.
    asked: AtomicI64,
    /// Wakes the scan.
    wake: Notify,
    /// Wakes the task that notifies other replicas.
    tell: Notify,
}

impl Default for Due {
    fn default() -> Self {
        Self {
            // After a start the contents of the table are unknown.
            backlog: AtomicBool::new(true),
            perhaps: AtomicBool::new(false),
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
        self.backlog.store(true, Ordering::SeqCst);
        self.wake.notify_one();
        self.tell.notify_one();
    }

    /// Another replica reports that rows may be due now.
    pub(crate) fn found_now(&self) {
        self.perhaps.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// Whether rows may wait for credits while nothing certain is known; resets that doubt. The caller then
    /// asks the table.
    pub(crate) fn take_doubt(&self) -> bool {
        !self.has_backlog() && self.perhaps.swap(false, Ordering::SeqCst)
    }

    /// A row becomes due at `at`.
    pub(crate) fn at(&self, at: i64) {
        if at < self.next.fetch_min(at, Ordering::SeqCst) {
            self.wake.notify_one();
        }
    }

    /// A worker was granted credits.
    pub(crate) fn credits_granted(&self) {
        self.wake.notify_one();
    }

    /// Whether rows are known to wait for credits.
    pub(crate) fn has_backlog(&self) -> bool {
        self.backlog.load(Ordering::SeqCst)
    }

    /// What a scan can expect to find. Hints that arrive from now on count for the next scan.
    pub(crate) fn begin_scan(&self, now: i64) -> Prospect {
        let backlog = self.backlog.swap(false, Ordering::SeqCst);
        let perhaps = self.perhaps.swap(false, Ordering::SeqCst);
        // `contains` also rules out a time in the future, after the clock was set back.
        let lately = (0..UNASKED_MS).contains(&(now - self.asked.load(Ordering::SeqCst)));
        let prospect = if backlog {
            Prospect::Backlog
        } else if perhaps || !lately || self.next.load(Ordering::SeqCst) <= now {
            Prospect::Perhaps
        } else {
            return Prospect::None;
        };
        self.asked.store(now, Ordering::SeqCst);
        prospect
    }

    /// A scan was interrupted or could not begin: rows wait.
    pub(crate) fn scan_broke_off(&self) {
        self.backlog.store(true, Ordering::SeqCst);
    }

    /// Forgets the known due time, because the table is about to be asked.
    pub(crate) fn forget_next(&self) {
        self.next.store(i64::MAX, Ordering::SeqCst);
    }

    /// The table reports that a row becomes due at `at`. The scan asked for it, so it need not be woken.
    pub(crate) fn known(&self, at: i64) {
        self.next.fetch_min(at, Ordering::SeqCst);
    }

    /// The time of the next scan, unless a hint comes before.
    pub(crate) fn next(&self) -> i64 {
        let unasked = self.asked.load(Ordering::SeqCst) + UNASKED_MS;
        self.next.load(Ordering::SeqCst).min(unasked)
    }

    /// Waits for a hint.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Waits until there is something to notify other replicas of.
    pub(crate) async fn something_to_tell(&self) {
        self.tell.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_asked_when_there_is_a_hint_and_now_and_then_without() {
        use Prospect::{Backlog, None, Perhaps};
        let due = Due::default();
        assert_eq!(due.begin_scan(1_000), Backlog, "nobody knows what it holds");
        due.forget_next();
        assert_eq!(due.begin_scan(1_000), None);
        assert_eq!(due.next(), 1_000 + UNASKED_MS);
        due.at(5_000);
        assert_eq!(due.next(), 5_000);
        assert_eq!(due.begin_scan(4_999), None);
        assert_eq!(due.begin_scan(5_000), Perhaps);
        due.forget_next();
        due.found_now();
        assert_eq!(due.begin_scan(5_001), Perhaps);
        let later = 5_000 + UNASKED_MS;
        assert_eq!(due.begin_scan(later), None, "it was a little later");
        assert_eq!(due.begin_scan(later + 1), Perhaps);
        assert_eq!(due.begin_scan(4_000), Perhaps, "the clock was set back");
    }

    #[test]
    fn what_somebody_says_is_a_doubt_and_no_backlog() {
        let due = Due::default();
        assert!(due.has_backlog(), "nobody knows what the table holds");
        due.found_now();
        assert!(!due.take_doubt(), "they wait anyhow");
        due.begin_scan(1_000);
        assert!(!due.take_doubt());
        due.found_now();
        assert!(!due.has_backlog());
        assert!(due.take_doubt());
        assert!(!due.take_doubt(), "once");
        due.left_now();
        assert!(due.has_backlog());
    }
}
