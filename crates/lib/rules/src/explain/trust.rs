//! The trust decision, policy by policy.

use crate::decide::trust::{Answer, by_facts};
use crate::explain::step::Step;
use crate::values::facts::SessionFacts;
use crate::values::path::ReversePath;
use crate::values::policy::Policy;
use crate::values::trust::TrustAction;

/// The policies and facts of the trust decision, up to the deciding one.
pub(crate) fn tell_trust(
    policy: &Policy,
    facts: &SessionFacts,
    sender: Option<&ReversePath>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for trust in policy.trust_policies() {
        let rule = format!("trust policy \"{}\" (line {})", trust.name, trust.line);
        let (outcome, decides) = match (trust.answer(facts, sender), trust.action) {
            (Answer::Mismatch(condition), _) => (format!("does not match: {condition}"), false),
            (Answer::Unknown, TrustAction::Trust) => {
                let unknown = "cannot be decided: the DNS does not answer";
                (unknown.to_owned(), false)
            }
            (Answer::Unknown, TrustAction::Distrust) => {
                ("distrust until the DNS answers".to_owned(), true)
            }
            (Answer::Matches, action) => (format!("matches: {action:?}").to_lowercase(), true),
        };
        steps.push(Step::new(rule, outcome));
        if decides {
            return steps;
        }
    }
    let trust = by_facts(facts);
    let outcome = format!("{}: {}", trust.class(), trust.reasons.join("; "));
    steps.push(Step::new("network and login", outcome));
    steps
}
