//! A completion request, checked against the limits of the contract.

use std::collections::HashMap;

use api::queue::v1::{CompleteRequest, Completion, Derived, DerivedKind, Outcome};

use crate::error::{Error, Result};
use crate::gateways::{self, Attempt};
use crate::sql;
use crate::submission::{Body, Prepared, prepare};

/// Maximum number of outcomes, and of derived messages, in one request.
const MAX_COMPLETIONS: usize = 10_000;

/// Longest time until a retry; longer than any schedule.
const LONGEST_RETRY_MS: i64 = 366 * 24 * 3_600_000;

/// A worker that names a time further in the past than this has a wrong clock.
const CLOCKS_APART_MS: i64 = 60_000;

/// Octets of a reason or a reply that the history keeps.
const MAX_TEXT: usize = 4000;

/// A request that satisfies all limits.
#[derive(Debug)]
pub(crate) struct Outcomes {
    pub(crate) outcomes: Vec<Recorded>,
    pub(crate) derived: Vec<PreparedDerived>,
    /// Results of attempts over gateways.
    pub(crate) gateways: Vec<Attempt>,
}

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

/// A message derived from the ends of recipients.
#[derive(Debug)]
pub(crate) struct PreparedDerived {
    /// Recipients of the parent.
    pub(crate) recipient_ids: Vec<i64>,
    pub(crate) kind: DerivedKind,
    pub(crate) submission: Prepared,
}

impl PreparedDerived {
    /// The message from which this one is derived.
    pub(crate) fn parent_id(&self) -> i64 {
        self.recipient_ids
            .first()
            .map_or(0, |id| sql::message_id(*id))
    }
}

/// Checks a request; INVALID_ARGUMENT names the error. Times to wait are counted from `now`.
pub(crate) fn check(request: CompleteRequest, now: i64) -> Result<Outcomes> {
    if request.completions.len() > MAX_COMPLETIONS || request.derived.len() > MAX_COMPLETIONS {
        return Err(invalid(format!(
            "at most {MAX_COMPLETIONS} completions and derived messages are taken at a time"
        )));
    }
    let outcomes: Vec<Recorded> = request
        .completions
        .into_iter()
        .map(|completion| recorded(completion, now))
        .collect::<Result<_, _>>()?;
    let derived = prepare_all(request.derived, &outcomes, now)?;
    goes_on(&outcomes, &derived)?;
    Ok(Outcomes {
        outcomes,
        derived,
        gateways: gateways::check(request.gateways, now)?,
    })
}

fn recorded(completion: Completion, now: i64) -> Result<Recorded> {
    let outcome = completion.outcome();
    match outcome {
        Outcome::Unspecified => return Err(invalid("a completion has no outcome")),
        Outcome::Quarantined | Outcome::Released => {
            return Err(invalid(
                "a completion has an outcome that no attempt can have",
            ));
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

/// The time of a recipient's next attempt, by the queue's clock. A worker of an older version with a wrong
/// clock may name a time in the past; without a minimum its recipient would be tried again and again without
/// a pause.
fn retry_at(completion: &Completion, now: i64) -> Result<i64> {
    match (completion.retry_after_ms, completion.retry_at_ms) {
        (after @ 1.., _) => Ok(now.saturating_add(after.min(LONGEST_RETRY_MS))),
        (0, at @ 1..) if at < now - CLOCKS_APART_MS => Ok(now + CLOCKS_APART_MS),
        (0, at @ 1..) => Ok(at),
        _ => Err(invalid("a retry has no time")),
    }
}

/// Checks the messages derived by these outcomes. Most outcomes derive none.
fn prepare_all(
    derived: Vec<Derived>,
    outcomes: &[Recorded],
    now: i64,
) -> Result<Vec<PreparedDerived>> {
    if derived.is_empty() {
        return Ok(Vec::new());
    }
    let by_recipient: HashMap<i64, Outcome> = outcomes
        .iter()
        .map(|recorded| (recorded.id, recorded.outcome))
        .collect();
    derived
        .into_iter()
        .map(|derived| prepare_derived(derived, &by_recipient, now))
        .collect()
}

fn prepare_derived(
    derived: Derived,
    outcomes: &HashMap<i64, Outcome>,
    now: i64,
) -> Result<PreparedDerived> {
    let kind = match derived.kind() {
        DerivedKind::Unspecified => return Err(invalid("a derived message has no kind")),
        kind => kind,
    };
    let Some(first) = derived.recipient_ids.first() else {
        return Err(invalid("a derived message names no recipient"));
    };
    if derived.recipient_ids.len() > 1 && kind != DerivedKind::Notice {
        return Err(invalid("only a notice may name several recipients"));
    }
    for id in &derived.recipient_ids {
        if sql::message_id(*id) != sql::message_id(*first) {
            return Err(invalid(
                "the recipients of a derived message must belong to one message",
            ));
        }
        match outcomes.get(id) {
            None => {
                return Err(invalid(
                    "a derived message names a recipient without a completion",
                ));
            }
            // A retry must not derive a message: each attempt would make another one.
            Some(Outcome::Retry) if kind != DerivedKind::Notice => {
                return Err(invalid("only a notice may be derived at a retry"));
            }
            Some(_) => {}
        }
    }
    let submission = prepare(derived.submission, now)?;
    if submission.collected.is_some() {
        return Err(invalid("a derived message must not be collected"));
    }
    // It goes to the sender, and quotes of its parent what a notice may.
    if kind == DerivedKind::Notice && matches!(submission.body, Body::Stored(_)) {
        return Err(invalid("a notice brings its own text"));
    }
    Ok(PreparedDerived {
        recipient_ids: derived.recipient_ids,
        kind,
        submission,
    })
}

/// Refuses an end that needs a derived message if the request holds none.
fn goes_on(outcomes: &[Recorded], derived: &[PreparedDerived]) -> Result<()> {
    for recorded in outcomes {
        let kind = match recorded.outcome {
            Outcome::Forwarded => DerivedKind::Forward,
            Outcome::Expanded => DerivedKind::ListPost,
            _ => continue,
        };
        let goes_on =
            |one: &PreparedDerived| one.kind == kind && one.recipient_ids.contains(&recorded.id);
        if !derived.iter().any(goes_on) {
            return Err(invalid(
                "a forwarded or expanded recipient has no derived message",
            ));
        }
    }
    Ok(())
}

/// Cuts a text of another server and removes its NULs, so that Postgres and the history can keep it.
fn fit(mut text: String) -> String {
    if text.contains('\0') {
        text = text.replace('\0', "\u{fffd}");
    }
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid(message)
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
