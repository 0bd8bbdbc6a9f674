//! Progress of the renewal of summaries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{counter, gauge};

/// Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    outdated: AtomicU64,
    renewed: AtomicU64,
    unreadable: AtomicU64,
}

impl Progress {
    /// Summaries still to be renewed, by any replica; 0 before the first count.
    pub fn outdated(&self) -> u64 {
        self.0.outdated.load(Ordering::Relaxed)
    }

    /// Summaries renewed by this process.
    pub fn renewed(&self) -> u64 {
        self.0.renewed.load(Ordering::Relaxed)
    }

    /// Bodies that this process skipped because they cannot be read.
    pub fn unreadable(&self) -> u64 {
        self.0.unreadable.load(Ordering::Relaxed)
    }

    pub(super) fn counted(&self, outdated: u64) {
        self.0.outdated.store(outdated, Ordering::Relaxed);
        self.show();
    }

    /// Adds a committed batch.
    pub(super) fn add(&self, renewed: u64, unreadable: u64) {
        self.0.renewed.fetch_add(renewed, Ordering::Relaxed);
        self.0.unreadable.fetch_add(unreadable, Ordering::Relaxed);
        let left = self.outdated().saturating_sub(renewed + unreadable);
        self.0.outdated.store(left, Ordering::Relaxed);
        counter!("postern_mailbox_renewed_summaries_total").increment(renewed);
        counter!("postern_mailbox_unreadable_bodies_total").increment(unreadable);
        self.show();
    }

    fn show(&self) {
        gauge!("postern_mailbox_outdated_summaries").set(self.outdated() as f64);
    }
}
