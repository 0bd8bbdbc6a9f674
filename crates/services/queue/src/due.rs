//! What this process knows about work that waits in the table, so that it scans when there is
//! something to find and not otherwise.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tokio::sync::Notify;

/// Hints. They may say too much, never too little: a scan that finds nothing costs little.
#[derive(Debug)]
pub(crate) struct Due {
    /// Rows may be due now.
    backlog: AtomicBool,
    /// The earliest time at which a row is known to become due.
    next: AtomicI64,
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
        backlog || self.next.load(Ordering::SeqCst) <= now
    }

    /// The scan broke off: there may be more.
    pub(crate) fn scan_broke_off(&self) {
        self.backlog.store(true, Ordering::SeqCst);
    }

    /// Forgets the time known, because the table is about to be asked.
    pub(crate) fn forget_next(&self) {
        self.next.store(i64::MAX, Ordering::SeqCst);
    }

    /// The earliest time known.
    pub(crate) fn next(&self) -> i64 {
        self.next.load(Ordering::SeqCst)
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
