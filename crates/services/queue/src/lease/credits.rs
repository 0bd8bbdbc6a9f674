//! Credits on their way to be spent: taken from workers for a transaction that may fail.

use std::sync::Arc;

use super::workers::{WorkerId, Workers};

/// A worker's stream and its name: who will hold a recipient.
pub(crate) type WorkerHold = (WorkerId, Arc<str>);

/// Credits of one worker, taken for a hand-over.
#[derive(Debug, Clone)]
pub(crate) struct Credit {
    pub(crate) worker: WorkerId,
    pub(crate) name: Arc<str>,
    /// Taken and not handed over.
    count: usize,
    /// Of these not spent.
    unspent: usize,
}

/// Credits taken for a transaction. What was not handed over goes back when dropped: the
/// transaction may fail.
#[derive(Debug)]
pub(crate) struct Credits<'a> {
    workers: &'a Workers,
    pub(super) each: Vec<Credit>,
}

impl<'w> Credits<'w> {
    pub(super) fn new(workers: &'w Workers, each: Vec<Credit>) -> Self {
        Self { workers, each }
    }

    /// Spends one credit, if there is one: the recipient will be that worker's.
    pub(crate) fn spend(&mut self) -> Option<WorkerHold> {
        let credit = self.each.iter_mut().find(|credit| credit.unspent > 0)?;
        credit.unspent -= 1;
        Some((credit.worker, Arc::clone(&credit.name)))
    }

    /// So many recipients are the worker's: their credits do not go back.
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

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Credits<'_> {
    fn drop(&mut self) {
        self.workers.give_back(&self.each);
    }
}
