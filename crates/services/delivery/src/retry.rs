//! The time of the next attempt, in the form that the queue takes.

use api::queue::v1::{Completion, Outcome};

/// Sets the time of the next attempt, by the queue's clock. The completion holds the pause until then, which
/// is the same by every clock.
pub(crate) fn put_off(completion: &mut Completion, at_ms: i64, now_ms: i64) {
    completion.set_outcome(Outcome::Retry);
    completion.retry_at_ms = at_ms;
    completion.retry_after_ms = at_ms.saturating_sub(now_ms).max(1);
}
