//! Bound on the lanes of a destination that has refused one more.

use std::time::Duration;

use tokio::time::Instant;

/// Interval at which one more lane is tried.
const RAISE: Duration = Duration::from_secs(60);
/// Time after which the bound is forgotten.
const MEMORY: Duration = Duration::from_secs(1_800);

/// The bound on lanes, which rises with time.
pub(super) struct Limit {
    lanes: usize,
    since: Instant,
}

impl Limit {
    /// The destination accepts this many lanes now.
    pub(super) fn to(lanes: usize) -> Self {
        Self {
            lanes: lanes.max(1),
            since: Instant::now(),
        }
    }

    /// The destination turns out to accept more.
    pub(super) fn holds_at_least(&mut self, lanes: usize) {
        self.lanes = self.lanes.max(lanes);
    }

    /// The number of lanes to try now.
    pub(super) fn lanes(&self) -> usize {
        let raised = self.since.elapsed().as_secs() / RAISE.as_secs();
        self.lanes
            .saturating_add(usize::try_from(raised).unwrap_or(usize::MAX))
    }

    pub(super) fn is_over(&self) -> bool {
        self.since.elapsed() >= MEMORY
    }
}
