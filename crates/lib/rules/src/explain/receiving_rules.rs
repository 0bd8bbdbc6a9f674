//! The receiving rules, as they are told.

mod settings;
mod table;

use super::{Play, Step};
use crate::values::policy::Policy;
use crate::values::trust::{Trust, class};
pub(super) use table::{MAX_PRIORITY, Stage};
use table::{Of, Rule};

/// What a rule that does not refuse comes to, by its key, where that is more than that it is passed.
pub(super) type Outcome<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Nothing more.
pub(super) const PASSED: Outcome<'static> = &|_| None;

/// The rules of a stage, up to the one whose refusal is `cause`.
pub(super) fn told(
    stage: Stage,
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    cause: &str,
    outcome: Outcome<'_>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for rule in stage.rules() {
        let refused = rule.refuses(cause);
        let trusted = trust.trusted || rule.of == Of::Trusted;
        let outcome = match ((rule.set)(policy.receiving(trusted)), (rule.lacks)(play)) {
            (Some(value), _) if refused => format!("{value}: refused"),
            (Some(value), Some(lacks)) => format!("{value}: not evaluated, {lacks}"),
            (Some(value), None) => {
                let outcome = outcome(rule.key).unwrap_or_else(|| "passed".to_owned());
                format!("{value}: {outcome}")
            }
            (None, _) => "off".to_owned(),
        };
        steps.push(Step::new(name(rule, trusted), outcome));
        if refused {
            break;
        }
    }
    steps
}

fn name(rule: &Rule, trusted: bool) -> String {
    match rule.of {
        Of::Class | Of::Trusted => format!("[receiving.{}] {}", class(trusted), rule.key),
        Of::Everybody => rule.key.to_owned(),
    }
}

#[cfg(test)]
mod tests;
