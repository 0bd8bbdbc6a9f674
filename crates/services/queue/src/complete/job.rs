//! A request that waits to be recorded.

use std::time::Duration;

use api::queue::v1::{CompleteResponse, Outcome};

use super::outcome::Outcomes;
use crate::answers::Slot;
use crate::group_commit::Weighed;

/// How long outcomes wait for others to share a commit. The mail is delivered and nobody waits for the
/// record.
const LINGER: Duration = Duration::from_millis(2);

/// The same for recipients that ended within this system. If the record is lost, nothing is delivered twice
/// (I3), so there is time to collect more outcomes for one commit.
const LINGER_OURS: Duration = Duration::from_millis(8);

/// A request of a worker, with the slot for its answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) outcomes: Outcomes,
    pub(crate) slot: Slot<CompleteResponse>,
}

impl Weighed for Job {
    fn weight(&self) -> usize {
        self.outcomes.outcomes.len()
    }

    fn may_linger(&self) -> Duration {
        let ours = |outcome| matches!(outcome, Outcome::Delivered | Outcome::Discarded);
        if self.outcomes.outcomes.iter().all(|one| ours(one.outcome)) {
            LINGER_OURS
        } else {
            LINGER
        }
    }
}
