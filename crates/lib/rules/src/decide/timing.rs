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

    /// MAIL: whether the session is offered what it asks. smtp-server does not ask this: it tells
    /// its session the [`Offer`], which takes no parameter that is not in it.
    pub(crate) fn judge_parameters(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        timing: &Timing,
    ) -> Verdict {
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
                refusals::NOT_OFFERED.because(self.why_not(facts, trust, parameter))
            }
            None => Verdict::accepted(),
        }
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

    /// MAIL: whether a message may be held so long, and asked for so soon.
    pub fn accept_timing(&self, facts: &SessionFacts, trust: &Trust, timing: &Timing) -> Verdict {
        until_trust_is_known(trust, self.judge_timing(facts, trust, timing))
    }

    /// The same as if everything of the session's trust were known.
    pub(crate) fn judge_timing(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        timing: &Timing,
    ) -> Verdict {
        // The sender may be less trusted than the session, and the policy is newer than EHLO. A
        // priority is lowered then.
        let unranked = Timing {
            priority: None,
            ..*timing
        };
        let offered = self.judge_parameters(facts, trust, &unranked);
        if !offered.is_accepted() {
            return offered;
        }
        let offer = self.offer(facts, trust);
        if let (Some(hold), Some(limit)) = (timing.hold, offer.hold) {
            if hold <= 0 {
                return refusals::HOLD_IN_THE_PAST.because("the time to hold it until has been");
            }
            if hold > milliseconds(limit) {
                let asked = format_duration(Duration::from_millis(hold.unsigned_abs()));
                return refusals::HOLD_TOO_LONG.because(format!(
                    "{asked} are asked for, `max-hold` is {} for {}",
                    format_duration(limit),
                    class(true)
                ));
            }
        }
        let (Some(deliver_by), Some(least)) = (timing.deliver_by, offer.deliver_by) else {
            return Verdict::accepted();
        };
        if timing.or_return && deliver_by < milliseconds(least) {
            let asked = format_duration(Duration::from_millis(deliver_by.max(0).unsigned_abs()));
            return refusals::DELIVER_BY_TOO_SOON.because(format!(
                "{asked} are given, `min-deliver-by` is {} for {}",
                format_duration(least),
                class(true)
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
