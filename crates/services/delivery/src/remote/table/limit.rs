//! How many lanes a destination takes that has refused one more.

use std::time::Duration;

use tokio::time::Instant;

/// After so long one lane more is tried.
const RAISE: Duration = Duration::from_secs(60);
/// After so long nothing is known any more.
const MEMORY: Duration = Duration::from_secs(1_800);

/// See the module.
pub(super) struct Limit {
    lanes: usize,
    since: Instant,
}

impl Limit {
    /// So many it takes now.
    pub(super) fn to(lanes: usize) -> Self {
        Self {
            lanes: lanes.max(1),
            since: Instant::now(),
        }
    }

    /// It turns out to take more.
    pub(super) fn holds_at_least(&mut self, lanes: usize) {
        self.lanes = self.lanes.max(lanes);
    }

    /// What may be tried now.
    pub(super) fn lanes(&self) -> usize {
        let raised = self.since.elapsed().as_secs() / RAISE.as_secs();
        self.lanes
            .saturating_add(usize::try_from(raised).unwrap_or(usize::MAX))
    }

    pub(super) fn is_over(&self) -> bool {
        self.since.elapsed() >= MEMORY
    }
}
