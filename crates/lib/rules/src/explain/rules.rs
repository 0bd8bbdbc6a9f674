//! The checks of an admission, as they are told.

use crate::admission::{Admission, Check, Of, Stage};
use crate::explain::step::Step;
use crate::values::trust::class;

/// What is told of a check by its key, where that is more than that it is passed.
pub(super) type Outcome<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Nothing more.
pub(super) const PASSED: Outcome<'static> = &|_| None;

/// The checks that an admission made, up to the one that refused.
pub(super) fn steps<'a, S: Stage<'a>>(admission: &Admission<S>, outcome: Outcome<'_>) -> Vec<Step> {
    admission
        .made()
        .map(|(check, refused)| step(admission.stage(), check, refused, outcome))
        .collect()
}

pub(super) fn step<'a, S: Stage<'a>>(
    stage: &S,
    check: &Check<S, S::Question>,
    refused: bool,
    outcome: Outcome<'_>,
) -> Step {
    let trusted = stage.trust().trusted || check.of == Of::Trusted;
    let set = (check.set)(stage.policy().receiving(trusted));
    let told = match (set, (check.idle)(stage)) {
        (Some(value), _) if refused => format!("{value}: refused"),
        (Some(value), Some(why)) => format!("{value}: not evaluated, {why}"),
        (Some(value), None) => {
            let outcome = outcome(check.key).unwrap_or_else(|| "passed".to_owned());
            format!("{value}: {outcome}")
        }
        (None, _) => "off".to_owned(),
    };
    Step::new(name(check, trusted), told)
}

/// A rule as it is told of.
pub(crate) fn name<S, Q>(check: &Check<S, Q>, trusted: bool) -> String {
    match check.of {
        Of::Class | Of::Trusted => format!("[receiving.{}] {}", class(trusted), check.key),
        Of::Everybody | Of::Recipient => check.key.to_owned(),
    }
}
