//! A request, checked against the limits that the contract states.

use api::grpc::Status;
use api::queue::v1::{CompleteRequest, Completion, Notice, Outcome};

use crate::gateways::{self, Attempt};
use crate::submission::{Prepared, prepare};

/// Outcomes, and notices, in one request.
const MAX_COMPLETIONS: usize = 10_000;

/// Longer than any schedule.
const LONGEST_RETRY_MS: i64 = 366 * 24 * 3_600_000;

/// A worker that names an instant so far back has another clock.
const CLOCKS_APART_MS: i64 = 60_000;

/// What the history keeps of a reason or a reply.
const MAX_TEXT: usize = 4000;

/// A request that keeps all limits.
#[derive(Debug)]
pub(crate) struct Outcomes {
    pub(crate) outcomes: Vec<Recorded>,
    pub(crate) notices: Vec<PreparedNotice>,
    /// What became of attempts over gateways.
    pub(crate) gateways: Vec<Attempt>,
}

/// One outcome.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) id: i64,
    pub(crate) epoch: i32,
    pub(crate) outcome: Outcome,
    pub(crate) reason: String,
    pub(crate) server: String,
    pub(crate) reply: String,
    pub(crate) policy_revision: i64,
    pub(crate) retry_at: i64,
    pub(crate) delay_notified: bool,
}

/// A notice and the recipients it speaks of.
#[derive(Debug)]
pub(crate) struct PreparedNotice {
    pub(crate) recipient_ids: Vec<i64>,
    pub(crate) submission: Prepared,
}

/// Checks a request; INVALID_ARGUMENT says what is wrong with it.
/// Times to wait are counted from `now`.
pub(crate) fn check(request: CompleteRequest, now: i64) -> Result<Outcomes, Status> {
    if request.completions.len() > MAX_COMPLETIONS || request.notices.len() > MAX_COMPLETIONS {
        return Err(invalid(format!(
            "at most {MAX_COMPLETIONS} completions and notices are taken at a time"
        )));
    }
    let outcomes: Vec<Recorded> = request
        .completions
        .into_iter()
        .map(|completion| recorded(completion, now))
        .collect::<Result<_, _>>()?;
    let notices = request
        .notices
        .into_iter()
        .map(|notice| prepare_notice(notice, &outcomes, now))
        .collect::<Result<_, _>>()?;
    Ok(Outcomes {
        outcomes,
        notices,
        gateways: gateways::check(request.gateways, now)?,
    })
}

fn recorded(completion: Completion, now: i64) -> Result<Recorded, Status> {
    let outcome = completion.outcome();
    match outcome {
        Outcome::Unspecified => return Err(invalid("a completion has no outcome")),
        Outcome::Quarantined | Outcome::Released => {
            return Err(invalid("a completion has the outcome of no attempt"));
        }
        _ => {}
    }
    let retry_at = match outcome {
        Outcome::Retry => retry_at(&completion, now)?,
        _ => 0,
    };
    let lease = completion
        .lease
        .ok_or_else(|| invalid("a completion names no lease"))?;
    Ok(Recorded {
        id: lease.recipient_id,
        epoch: i32::try_from(lease.epoch).map_err(|_| invalid("an epoch is out of range"))?,
        outcome,
        reason: fit(completion.reason),
        server: fit(completion.server),
        reply: fit(completion.reply),
        policy_revision: i64::try_from(completion.policy_revision)
            .map_err(|_| invalid("policy_revision is out of range"))?,
        retry_at,
        delay_notified: completion.delay_notified,
    })
}

/// When a recipient is tried again. By the queue's clock: one that is due in the past, because a worker
/// of an older version has another clock, would be tried again and again without a pause.
fn retry_at(completion: &Completion, now: i64) -> Result<i64, Status> {
    match (completion.retry_after_ms, completion.retry_at_ms) {
        (after @ 1.., _) => Ok(now.saturating_add(after.min(LONGEST_RETRY_MS))),
        (0, at @ 1..) if at < now - CLOCKS_APART_MS => Ok(now + CLOCKS_APART_MS),
        (0, at @ 1..) => Ok(at),
        _ => Err(invalid("a completion to be tried again does not say when")),
    }
}

fn prepare_notice(
    notice: Notice,
    outcomes: &[Recorded],
    now: i64,
) -> Result<PreparedNotice, Status> {
    if notice.recipient_ids.is_empty() {
        return Err(invalid("a notice speaks of no recipient"));
    }
    let known = |id: &i64| outcomes.iter().any(|outcome| outcome.id == *id);
    if !notice.recipient_ids.iter().all(known) {
        return Err(invalid(
            "a notice speaks of a recipient without a completion",
        ));
    }
    Ok(PreparedNotice {
        recipient_ids: notice.recipient_ids,
        submission: prepare(notice.submission, now)?,
    })
}

/// A text from another server, as Postgres and the history can keep it: without NUL, cut.
fn fit(mut text: String) -> String {
    if text.contains('\0') {
        text = text.replace('\0', "\u{fffd}");
    }
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

fn invalid(message: impl Into<String>) -> Status {
    Status::invalid_argument(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_268_800_000;
    const DAYS: i64 = 24 * 3_600_000;

    #[test]
    fn what_is_to_be_tried_again_is_due_by_the_queue_s_clock_and_never_at_once() {
        // retry_after_ms, retry_at_ms, when
        for (after, at, expected) in [
            (60_000, NOW + 60_000, Some(NOW + 60_000)),
            (60_000, NOW - 40 * DAYS, Some(NOW + 60_000)),
            (60_000, NOW + 40 * DAYS, Some(NOW + 60_000)),
            (i64::MAX, 0, Some(NOW + LONGEST_RETRY_MS)),
            // Of an older version.
            (0, NOW + 5_000, Some(NOW + 5_000)),
            (0, NOW - 1_000, Some(NOW - 1_000)),
            (0, NOW - 40 * DAYS, Some(NOW + CLOCKS_APART_MS)),
            (0, 0, None),
            (-1, NOW, None),
        ] {
            let completion = Completion {
                retry_after_ms: after,
                retry_at_ms: at,
                ..Completion::default()
            };
            let found = retry_at(&completion, NOW).ok();
            assert_eq!(found, expected, "{after} {at}");
        }
    }
}
