//! The stream over which leases come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One stream from its opening to its end.
#[derive(Debug)]
pub(crate) struct LeaseSession {
    live: AtomicBool,
}

impl LeaseSession {
    /// A stream that the queue has not admitted yet.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            live: AtomicBool::new(false),
        })
    }

    /// A stream that the queue has admitted.
    #[cfg(test)]
    pub(crate) fn live() -> Arc<Self> {
        let session = Self::new();
        session.begin();
        session
    }

    /// The queue has admitted the worker. False if it had before.
    pub(crate) fn begin(&self) -> bool {
        !self.live.swap(true, Ordering::Relaxed)
    }

    /// The stream has ended. False if it never began.
    pub(crate) fn end(&self) -> bool {
        self.live.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }
}
