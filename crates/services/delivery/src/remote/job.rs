//! The contents of one transaction.

use std::sync::Arc;

use super::trail::Trail;
use crate::leases::Lease;
use crate::work::Work;

/// Maximum number of recipients in one transaction, which every server accepts (RFC 5321 §4.5.3.1.8).
const MAX_RECIPIENTS: usize = 100;

/// Recipients of one message for one target, in one transaction.
pub(crate) struct Job {
    pub(crate) work: Arc<Work>,
    pub(crate) leases: Vec<Lease>,
    /// The servers tried so far.
    pub(super) trail: Trail,
    /// How often a lane has started this job and returned it to the others.
    pub(super) handed_over: u8,
}

impl Job {
    pub(crate) fn new(work: &Arc<Work>, leases: Vec<Lease>) -> Self {
        Self {
            work: Arc::clone(work),
            leases,
            trail: Trail::default(),
            handed_over: 0,
        }
    }

    /// Splits the job into one for each transaction.
    pub(super) fn split(mut self) -> Vec<Self> {
        let mut jobs = Vec::new();
        while self.leases.len() > MAX_RECIPIENTS {
            let rest = self.leases.split_off(MAX_RECIPIENTS);
            let leases = std::mem::replace(&mut self.leases, rest);
            jobs.push(Self::new(&self.work, leases));
        }
        jobs.push(self);
        jobs
    }
}
