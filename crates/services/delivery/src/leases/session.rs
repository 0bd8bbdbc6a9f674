//! The stream that leases come by.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One stream from its opening to its end.
#[derive(Debug)]
pub(crate) struct LeaseSession {
    live: AtomicBool,
}

impl LeaseSession {
    /// One that has not begun.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            live: AtomicBool::new(false),
        })
    }

    /// One that has begun.
    #[cfg(test)]
    pub(crate) fn live() -> Arc<Self> {
        let session = Self::new();
        session.begin();
        session
    }

    /// The queue has taken us in. False when it had before.
    pub(crate) fn begin(&self) -> bool {
        !self.live.swap(true, Ordering::Relaxed)
    }

    /// The stream has ended. False when it never began.
    pub(crate) fn end(&self) -> bool {
        self.live.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }
}
