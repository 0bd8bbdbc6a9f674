//! MAIL: requests about time and priority: FUTURERELEASE (RFC 4865), DELIVERBY (RFC 2852), MT-PRIORITY (RFC
//! 6710).

use std::time::Duration;

use crate::decide::trust::until_trust_is_known;
use crate::values::duration::format_duration;
use crate::values::facts::{ListenerRole, SessionFacts};
use crate::values::policy::Policy;
use crate::values::timing::{Offer, Timing};
use crate::values::trust::{Trust, class};
use crate::values::verdict::{Verdict, refusals};

impl Policy {
    /// The extensions offered to a session, by its facts.
    ///
    /// FUTURERELEASE is only for submission ports (RFC 4865 §4.2). Priorities require an agreement (RFC
    /// 6710 §4.1), so untrusted clients are not offered them. BY is not for them either: a message sent
    /// late on purpose would be returned, whole, to any address named as its sender. Clients do not repeat
    /// EHLO after a login, so a submission port offers what every login will have.
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

    /// MAIL: whether the requested extensions are offered to the session.
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

    /// The same for the sender, who may be less trusted than the session. The priority is then lowered.
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
        // Only FUTURERELEASE depends on the port.
        match facts.role {
            ListenerRole::Mx => format!(
                "{parameter} is taken on submission ports, the listener `{}` is for other servers",
                facts.listener
            ),
            ListenerRole::Submission => format!("`max-hold` is never for {}", class(true)),
        }
    }

    /// MAIL: whether a message may be held for this time.
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

    /// MAIL: whether so short a delivery time is allowed.
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

    /// MAIL: the effective priority. Only senders permitted by the administrator may raise it (RFC 6710
    /// §4.1); everyone may lower it.
    pub fn priority(&self, trust: &Trust, asked: i8) -> i8 {
        let most = match trust.trusted {
            true => self.receiving(true).max_priority,
            false => 0,
        };
        asked.min(most)
    }
}

impl Timing {
    /// MAIL: whether a message would be held beyond its delivery time (RFC 4865 §5.2.2).
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
