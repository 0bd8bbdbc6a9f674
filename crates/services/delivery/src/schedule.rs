//! The consequence of a failure: another attempt, or the end. Pure: facts and settings in, a decision out.

use std::time::Duration;

use api::queue::v1::Notify;
use rules::DeliverySettings;

use crate::deadline::Deadline;
use crate::fate::Failure;
use crate::notify::{wants_delay, wants_failure};

/// The facts about a failed attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) now_ms: i64,
    /// When the message arrived, or was released if it was held.
    pub(crate) since_ms: i64,
    /// Number of earlier failed attempts.
    pub(crate) attempts: u32,
    pub(crate) delay_notified: bool,
    pub(crate) notify: Option<Notify>,
    /// There is a sender to notify: the reverse-path is not `<>`.
    pub(crate) has_sender: bool,
    /// The deadline, if the sender set one.
    pub(crate) deadline: Option<Deadline>,
    /// Collected from a remote account: it waits for any length of time and does not end.
    pub(crate) collected: bool,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Try again at this time; `tell`: send a delay notice.
    Retry { at_ms: i64, tell: bool },
    /// Permanent failure.
    Bounce { tell: bool, expired: bool },
}

/// Decides what follows a failure.
pub(crate) fn after(failure: &Failure, facts: &Facts, settings: &DeliverySettings) -> Decision {
    let end = facts.since_ms.saturating_add(ms(settings.lifetime));
    let expired = !failure.permanent && !failure.unsettled && facts.now_ms >= end;
    if (failure.permanent || expired) && !facts.collected {
        let tell = facts.has_sender && wants_failure(facts.notify);
        return Decision::Bounce { tell, expired };
    }
    let pause = failure
        .retry_in
        .unwrap_or_else(|| settings.retry_after(tried(facts, settings).saturating_add(1)));
    let at_ms = facts.now_ms.saturating_add(ms(pause));
    // One last attempt is made at the end of the lifetime, not after it. A message to be returned when late
    // is looked at at its deadline, so that the notice is not late.
    let limits = [Some(end), facts.deadline.map(|deadline| deadline.at_ms)];
    let to_come = limits
        .into_iter()
        .flatten()
        .filter(|limit| *limit > facts.now_ms);
    Decision::Retry {
        at_ms: to_come.fold(at_ms, i64::min),
        tell: is_late(facts, settings)
            && !facts.delay_notified
            && facts.has_sender
            && wants_delay(facts.notify),
    }
}

/// Whether a delay notice is due. A sender who set a deadline gets none at another time (RFC 2852 §4.1.3).
fn is_late(facts: &Facts, settings: &DeliverySettings) -> bool {
    if let Some(deadline) = facts.deadline.filter(|deadline| !deadline.or_return) {
        return deadline.has_passed(facts.now_ms);
    }
    let notice = settings.delay_notice;
    notice.is_some_and(|notice| facts.now_ms - facts.since_ms >= ms(notice))
}

/// Number of attempts by the message's schedule. The queue also counts attempts that failed for another
/// reason (`retry_in`), which come closer together than the schedule's. So at most as many are counted as
/// there was time for. Otherwise an hour without mailbox-store would put a message at the end of its
/// schedule, and the "try again" of a busy server would cost it hours.
fn tried(facts: &Facts, settings: &DeliverySettings) -> u32 {
    let mut left = facts.now_ms.saturating_sub(facts.since_ms);
    for (steps, pause) in (0..).zip(&settings.retry_schedule) {
        left = left.saturating_sub(ms(*pause));
        if left < 0 {
            return facts.attempts.min(steps);
        }
    }
    facts.attempts
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn facts(age_ms: i64) -> Facts {
        Facts {
            now_ms: 1_000_000_000 + age_ms,
            since_ms: 1_000_000_000,
            attempts: 0,
            delay_notified: false,
            notify: Notify::from_bits(0),
            has_sender: true,
            deadline: None,
            collected: false,
        }
    }

    fn by(at_ms: i64, or_return: bool) -> Option<Deadline> {
        Some(Deadline {
            at_ms: 1_000_000_000 + at_ms,
            or_return,
            trace: false,
        })
    }

    fn settings() -> DeliverySettings {
        DeliverySettings {
            lifetime: Duration::from_secs(10 * 3600),
            delay_notice: Some(Duration::from_secs(4 * 3600)),
            retry_schedule: vec![Duration::from_secs(60), Duration::from_secs(3600)],
            ..DeliverySettings::default()
        }
    }

    #[test]
    fn failures_lead_to_another_attempt_or_to_the_end() {
        let temporary = Failure::temporary("4.0.0", "");
        let permanent = Failure::permanent("5.0.0", "");
        let soon = Failure::temporary("4.0.0", "").retry_in(Duration::from_secs(5));
        let unsettled = Failure {
            unsettled: true,
            ..soon.clone()
        };
        let retry = |in_ms: i64, tell| {
            move |facts: &Facts| Decision::Retry {
                at_ms: facts.now_ms + in_ms,
                tell,
            }
        };
        let bounce = |tell, expired| move |_: &Facts| Decision::Bounce { tell, expired };
        type Expected = Box<dyn Fn(&Facts) -> Decision>;
        let cases: Vec<(&str, &Failure, Facts, Expected)> = vec![
            (
                "first",
                &temporary,
                facts(0),
                Box::new(retry(60_000, false)),
            ),
            (
                "second",
                &temporary,
                Facts {
                    attempts: 1,
                    ..facts(60_000)
                },
                Box::new(retry(HOUR_MS, false)),
            ),
            (
                "later",
                &temporary,
                Facts {
                    attempts: 9,
                    ..facts(60_000)
                },
                Box::new(retry(HOUR_MS, false)),
            ),
            (
                "put off often",
                &temporary,
                Facts {
                    attempts: 200,
                    ..facts(59_000)
                },
                Box::new(retry(60_000, false)),
            ),
            ("our fault", &soon, facts(0), Box::new(retry(5_000, false))),
            (
                "collected",
                &permanent,
                Facts {
                    collected: true,
                    has_sender: false,
                    ..facts(0)
                },
                Box::new(retry(60_000, false)),
            ),
            (
                "collected long ago",
                &temporary,
                Facts {
                    collected: true,
                    has_sender: false,
                    attempts: 9,
                    ..facts(1000 * HOUR_MS)
                },
                Box::new(retry(HOUR_MS, false)),
            ),
            (
                "late",
                &temporary,
                facts(4 * HOUR_MS),
                Box::new(retry(60_000, true)),
            ),
            (
                "late, told",
                &temporary,
                Facts {
                    delay_notified: true,
                    ..facts(5 * HOUR_MS)
                },
                Box::new(retry(60_000, false)),
            ),
            (
                "late, unwanted",
                &temporary,
                Facts {
                    notify: Notify::from_bits(2),
                    ..facts(5 * HOUR_MS)
                },
                Box::new(retry(60_000, false)),
            ),
            (
                "late, nobody",
                &temporary,
                Facts {
                    has_sender: false,
                    ..facts(5 * HOUR_MS)
                },
                Box::new(retry(60_000, false)),
            ),
            (
                "to be returned soon",
                &temporary,
                Facts {
                    deadline: by(20_000, true),
                    ..facts(0)
                },
                Box::new(retry(20_000, false)),
            ),
            (
                "to be told of soon",
                &temporary,
                Facts {
                    deadline: by(20_000, false),
                    ..facts(0)
                },
                Box::new(retry(20_000, false)),
            ),
            (
                "late, as the sender sees it",
                &temporary,
                Facts {
                    deadline: by(20_000, false),
                    ..facts(20_000)
                },
                Box::new(retry(60_000, true)),
            ),
            (
                "late, but not as the sender sees it",
                &temporary,
                Facts {
                    deadline: by(6 * HOUR_MS, false),
                    ..facts(5 * HOUR_MS)
                },
                Box::new(retry(60_000, false)),
            ),
            (
                "late, and to be returned later",
                &temporary,
                Facts {
                    deadline: by(6 * HOUR_MS, true),
                    ..facts(5 * HOUR_MS)
                },
                Box::new(retry(60_000, true)),
            ),
            (
                "a deadline does not lengthen its life",
                &temporary,
                Facts {
                    deadline: by(90 * HOUR_MS, true),
                    ..facts(10 * HOUR_MS)
                },
                Box::new(bounce(true, true)),
            ),
            (
                "last",
                &temporary,
                facts(10 * HOUR_MS - 10),
                Box::new(retry(10, true)),
            ),
            (
                "expired",
                &temporary,
                facts(10 * HOUR_MS),
                Box::new(bounce(true, true)),
            ),
            (
                "expired, and perhaps delivered",
                &unsettled,
                Facts {
                    delay_notified: true,
                    ..facts(11 * HOUR_MS)
                },
                Box::new(retry(5_000, false)),
            ),
            (
                "late, and perhaps delivered",
                &unsettled,
                Facts {
                    deadline: by(-1, true),
                    ..facts(0)
                },
                Box::new(retry(5_000, false)),
            ),
            (
                "permanent",
                &permanent,
                facts(0),
                Box::new(bounce(true, false)),
            ),
            (
                "never",
                &permanent,
                Facts {
                    notify: Notify::from_bits(8),
                    ..facts(0)
                },
                Box::new(bounce(false, false)),
            ),
            (
                "success only",
                &permanent,
                Facts {
                    notify: Notify::from_bits(1),
                    ..facts(0)
                },
                Box::new(bounce(false, false)),
            ),
            (
                "failure",
                &permanent,
                Facts {
                    notify: Notify::from_bits(3),
                    ..facts(0)
                },
                Box::new(bounce(true, false)),
            ),
            (
                "a notice",
                &permanent,
                Facts {
                    has_sender: false,
                    ..facts(0)
                },
                Box::new(bounce(false, false)),
            ),
        ];
        for (name, failure, facts, expected) in cases {
            assert_eq!(
                after(failure, &facts, &settings()),
                expected(&facts),
                "{name}"
            );
        }
    }
}
