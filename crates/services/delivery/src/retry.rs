//! The time of another attempt, as the queue takes it.

use api::queue::v1::{Completion, Outcome};

/// The recipient of `completion` is tried again at a time of the queue's clock. The completion has the time until
/// then, which is the same by every clock.
pub(crate) fn put_off(completion: &mut Completion, at_ms: i64, now_ms: i64) {
    completion.set_outcome(Outcome::Retry);
    completion.retry_at_ms = at_ms;
    completion.retry_after_ms = at_ms.saturating_sub(now_ms).max(1);
}
