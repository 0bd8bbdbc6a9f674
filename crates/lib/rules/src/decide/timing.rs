//! MAIL: what a sender may ask of when and how soon a message goes on: FUTURERELEASE (RFC 4865),
//! DELIVERBY (RFC 2852), MT-PRIORITY (RFC 6710).

use std::time::Duration;

use crate::decide::trust::until_trust_is_known;
use crate::values::duration::format_duration;
use crate::values::facts::{ListenerRole, SessionFacts};
use crate::values::policy::Policy;
use crate::values::timing::{Offer, Timing};
use crate::values::trust::{Trust, class};
use crate::values::verdict::{Verdict, refusals};

impl Policy {
    /// What a session is offered, by what is known of it.
    ///
    /// FUTURERELEASE stands on submission ports and nowhere else (RFC 4865 §4.2). Priorities are
    /// for those with whom there is an understanding (RFC 6710 §4.1): strangers are not asked for
    /// theirs. Nor is BY theirs to say: a message that is late on purpose would go back, whole, to
    /// whomever they named as its sender. Clients do not say EHLO again once they have logged in,
    /// so that a submission port offers what whoever logs in will have.
    pub fn offer(&self, facts: &SessionFacts, trust: &Trust) -> Offer {
        let submission = facts.role == ListenerRole::Submission;
        let will_log_in = submission && facts.login.is_none();
        if !trust.trusted && !will_log_in {
            return Offer::default();
        }
        let rules = self.receiving(true);
        Offer {
            hold: rules.max_hold.filter(|_| submission),
            deliver_by: Some(rules.min_deliver_by),
            priority: true,
        }
    }

    /// MAIL: whether the session is offered what it asks.
    pub(crate) fn judge_parameters(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        timing: &Timing,
    ) -> Result<(), Verdict> {
        let offer = self.offer(facts, trust);
        let asked = [
            (
                "HOLDFOR and HOLDUNTIL",
                timing.hold.is_some() && offer.hold.is_none(),
            ),
            (
                "BY",
                timing.deliver_by.is_some() && offer.deliver_by.is_none(),
            ),
            ("MT-PRIORITY", timing.priority.is_some() && !offer.priority),
        ];
        match asked.into_iter().find(|(_, missing)| *missing) {
            Some((parameter, _)) => {
                Err(refusals::NOT_OFFERED.because(self.why_not(facts, trust, parameter)))
            }
            None => Ok(()),
        }
    }

    /// The same of what this sender is offered, who may be less trusted than the session. A priority
    /// is lowered then.
    pub(crate) fn judge_parameters_of_sender(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        timing: &Timing,
    ) -> Result<(), Verdict> {
        let unranked = Timing {
            priority: None,
            ..*timing
        };
        self.judge_parameters(facts, trust, &unranked)
            .map_err(|refusal| until_trust_is_known(trust, refusal))
    }

    fn why_not(&self, facts: &SessionFacts, trust: &Trust, parameter: &str) -> String {
        if !trust.trusted {
            let (class, name) = (trust.class(), trust.name);
            return format!("{parameter} is for the trusted: the session is {class} ({name})");
        }
        // Only FUTURERELEASE is not for all of them.
        match facts.role {
            ListenerRole::Mx => format!(
                "{parameter} is taken on submission ports, the listener `{}` is for other servers",
                facts.listener
            ),
            ListenerRole::Submission => format!("`max-hold` is never for {}", class(true)),
        }
    }

    /// MAIL: whether a message may be held so long.
    pub(crate) fn judge_hold(&self, hold: Option<i64>) -> Result<(), Verdict> {
        let (Some(hold), Some(limit)) = (hold, self.receiving(true).max_hold) else {
            return Ok(());
        };
        if hold <= 0 {
            return Err(refusals::HOLD_IN_THE_PAST.because("the time to hold it until has been"));
        }
        if hold > milliseconds(limit) {
            let asked = format_duration(Duration::from_millis(hold.unsigned_abs()));
            return Err(refusals::HOLD_TOO_LONG.because(format!(
                "{asked} are asked for, `max-hold` is {} for {}",
                format_duration(limit),
                class(true)
            )));
        }
        Ok(())
    }

    /// MAIL: whether a message may be asked back so soon.
    pub(crate) fn judge_deliver_by(&self, timing: &Timing) -> Result<(), Verdict> {
        let least = self.receiving(true).min_deliver_by;
        match timing.deliver_by {
            Some(deliver_by) if timing.or_return && deliver_by < milliseconds(least) => {
                let given = Duration::from_millis(deliver_by.max(0).unsigned_abs());
                Err(refusals::DELIVER_BY_TOO_SOON.because(format!(
                    "{} are given, `min-deliver-by` is {} for {}",
                    format_duration(given),
                    format_duration(least),
                    class(true)
                )))
            }
            _ => Ok(()),
        }
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

impl Timing {
    /// MAIL: whether a message would be held beyond the time to deliver it by (RFC 4865 §5.2.2).
    pub(crate) fn judge_hold_within_deliver_by(&self) -> Result<(), Verdict> {
        let (Some(hold), Some(deliver_by)) = (self.hold, self.deliver_by) else {
            return Ok(());
        };
        if hold > deliver_by || (self.or_return && hold == deliver_by) {
            return Err(refusals::HELD_PAST_DELIVER_BY
                .because("it would be held beyond the time that it is to be delivered by"));
        }
        Ok(())
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
