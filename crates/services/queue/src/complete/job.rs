//! A request that waits to be recorded.

use std::time::Duration;

use api::queue::v1::{CompleteResponse, Outcome};

use super::outcome::Outcomes;
use crate::answers::Place;
use crate::group_commit::Weighed;

/// Outcomes wait so long for others: the mail is delivered, nobody waits for the record.
const LINGER: Duration = Duration::from_millis(2);

/// The same for what ended within this system: should the record be lost, nothing is delivered
/// twice (I3), so there is time to write many at once.
const LINGER_OURS: Duration = Duration::from_millis(8);

/// See the module.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) outcomes: Outcomes,
    pub(crate) place: Place<CompleteResponse>,
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
