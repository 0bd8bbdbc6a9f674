//! Credits taken from workers for a transaction that may still fail.

use std::sync::Arc;

use super::workers::{WorkerId, Workers};

/// A worker's stream and name: the holder of a recipient.
pub(crate) type WorkerHold = (WorkerId, Arc<str>);

/// Credits of one worker, for a hand-over.
#[derive(Debug, Clone)]
pub(crate) struct Credit {
    pub(crate) worker: WorkerId,
    pub(crate) name: Arc<str>,
    /// Taken and not handed over yet.
    count: usize,
    /// Part of these that are not spent.
    unspent: usize,
}

/// Credits taken for a transaction. Those not handed over are returned on drop, since the transaction may
/// fail.
#[derive(Debug)]
pub(crate) struct Credits<'a> {
    workers: &'a Workers,
    pub(super) each: Vec<Credit>,
}

impl<'w> Credits<'w> {
    pub(super) fn new(workers: &'w Workers, each: Vec<Credit>) -> Self {
        Self { workers, each }
    }

    /// Spends one credit, if there is one. Returns the worker that will hold the recipient.
    pub(crate) fn spend(&mut self) -> Option<WorkerHold> {
        let credit = self.each.iter_mut().find(|credit| credit.unspent > 0)?;
        credit.unspent -= 1;
        Some((credit.worker, Arc::clone(&credit.name)))
    }

    /// Records that `recipients` were handed to the worker. Their credits are not returned.
    pub(crate) fn handed(&mut self, worker: WorkerId, recipients: usize) {
        if let Some(credit) = self.each.iter_mut().find(|credit| credit.worker == worker) {
            credit.count = credit.count.saturating_sub(recipients);
        }
    }
}

impl Credit {
    pub(super) fn new(worker: WorkerId, name: Arc<str>, count: usize) -> Self {
        Self {
            worker,
            name,
            count,
            unspent: count,
        }
    }

    /// Number of credits.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Credits<'_> {
    fn drop(&mut self) {
        self.workers.give_back(&self.each);
    }
}
