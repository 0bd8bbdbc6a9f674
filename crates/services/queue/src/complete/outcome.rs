//! A request, checked against the limits that the contract states.

use api::grpc::Status;
use api::queue::v1::{CompleteRequest, Completion, Notice, Outcome};

use crate::submission::{Prepared, prepare};

/// Outcomes, and notices, in one request.
const MAX_COMPLETIONS: usize = 10_000;

/// What the history keeps of a reason or a reply.
const MAX_TEXT: usize = 4000;

/// A request that keeps all limits.
#[derive(Debug)]
pub(crate) struct Outcomes {
    pub(crate) outcomes: Vec<Recorded>,
    pub(crate) notices: Vec<PreparedNotice>,
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
pub(crate) fn check(request: CompleteRequest) -> Result<Outcomes, Status> {
    if request.completions.len() > MAX_COMPLETIONS || request.notices.len() > MAX_COMPLETIONS {
        return Err(invalid(format!(
            "at most {MAX_COMPLETIONS} completions and notices are taken at a time"
        )));
    }
    let outcomes: Vec<Recorded> = request
        .completions
        .into_iter()
        .map(recorded)
        .collect::<Result<_, _>>()?;
    let notices = request
        .notices
        .into_iter()
        .map(|notice| prepare_notice(notice, &outcomes))
        .collect::<Result<_, _>>()?;
    Ok(Outcomes { outcomes, notices })
}

fn recorded(completion: Completion) -> Result<Recorded, Status> {
    let outcome = completion.outcome();
    match outcome {
        Outcome::Unspecified => return Err(invalid("a completion has no outcome")),
        Outcome::Quarantined | Outcome::Released => {
            return Err(invalid("a completion has the outcome of no attempt"));
        }
        _ => {}
    }
    if outcome == Outcome::Retry && completion.retry_at_ms <= 0 {
        return Err(invalid("a completion to be tried again does not say when"));
    }
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
        retry_at: completion.retry_at_ms,
        delay_notified: completion.delay_notified,
    })
}

fn prepare_notice(notice: Notice, outcomes: &[Recorded]) -> Result<PreparedNotice, Status> {
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
        submission: prepare(notice.submission)?,
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
