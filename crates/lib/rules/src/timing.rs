//! MAIL: what a sender may ask of when and how soon a message goes on: FUTURERELEASE (RFC 4865),
//! DELIVERBY (RFC 2852), MT-PRIORITY (RFC 6710).

use std::time::Duration;

use crate::duration::format_duration;
use crate::policy::Policy;
use crate::receiving::until_trust_is_known;
use crate::trust::Trust;
use crate::verdict::{Verdict, refusals};

/// What MAIL asks, in milliseconds from when it came. Below zero it has been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// So long the message is to be held.
    pub hold: Option<i64>,
    /// So soon it is to be delivered.
    pub deliver_by: Option<i64>,
    /// It is to be returned when it is late.
    pub or_return: bool,
}

impl Policy {
    /// MAIL: whether a message may be held so long, and asked for so soon.
    pub fn accept_timing(&self, trust: &Trust, timing: &Timing) -> Verdict {
        until_trust_is_known(trust, self.judge_timing(trust, timing))
    }

    /// The same as if everything of the session's trust were known.
    pub(crate) fn judge_timing(&self, trust: &Trust, timing: &Timing) -> Verdict {
        let rules = self.receiving(trust.trusted);
        if let Some(hold) = timing.hold {
            if hold <= 0 {
                return refusals::HOLD_IN_THE_PAST.because("the time to hold it until has been");
            }
            let limit = rules.max_hold.unwrap_or_default();
            if hold > milliseconds(limit) {
                let asked = format_duration(Duration::from_millis(hold.unsigned_abs()));
                let limit = rules.max_hold.map_or("never".to_owned(), format_duration);
                return refusals::HOLD_TOO_LONG.because(format!(
                    "{asked} are asked for, `max-hold` is {limit} for {}",
                    trust.class()
                ));
            }
        }
        let Some(deliver_by) = timing.deliver_by else {
            return Verdict::accepted();
        };
        if timing.or_return && deliver_by < milliseconds(rules.min_deliver_by) {
            let asked = format_duration(Duration::from_millis(deliver_by.max(0).unsigned_abs()));
            return refusals::DELIVER_BY_TOO_SOON.because(format!(
                "{asked} are given, `min-deliver-by` is {} for {}",
                format_duration(rules.min_deliver_by),
                trust.class()
            ));
        }
        // RFC 4865 §5.2.2.
        let beyond = |hold| hold > deliver_by || (timing.or_return && hold == deliver_by);
        if timing.hold.is_some_and(beyond) {
            return refusals::HELD_PAST_DELIVER_BY
                .because("it would be held beyond the time that it is to be delivered by");
        }
        Verdict::accepted()
    }

    /// MAIL: the priority of a message that asks for this one. Nobody has their mail preferred but
    /// whom the administrator lets (RFC 6710 §4.1); to stand back is everyone's right.
    pub fn priority(&self, trust: &Trust, asked: i8) -> i8 {
        let most = match trust.trusted {
            true => self.receiving(true).max_priority,
            false => 0,
        };
        asked.min(most)
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
