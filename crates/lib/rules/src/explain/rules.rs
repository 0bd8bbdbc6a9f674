//! The checks of an admission as report lines.

use crate::admission::{Admission, Check, Rule, Stage};
use crate::document::settings::row::Class;
use crate::document::settings::{by_key, show};
use crate::explain::step::Step;
use crate::values::receiving::ReceivingRules;
use crate::values::trust::class;

/// The outcome shown for a setting by its key, if it is more than "passed".
pub(super) type Outcome<'a> = &'a dyn Fn(&str) -> Option<String>;

/// No additional outcome.
pub(super) const PASSED: Outcome<'static> = &|_| None;

/// The checks made by an admission, up to the refusing one.
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
    let trusted = stage.trust().trusted || check.rule.is_of_the_trusted();
    let set = check.rule.set(stage.policy().receiving(trusted));
    let told = match (set, (check.idle)(stage)) {
        (Some(value), _) if refused => format!("{value}: refused"),
        (Some(value), Some(why)) => format!("{value}: not evaluated, {why}"),
        (Some(value), None) => {
            let outcome = check.rule.key().and_then(outcome);
            format!(
                "{value}: {}",
                outcome.unwrap_or_else(|| "passed".to_owned())
            )
        }
        (None, _) => "off".to_owned(),
    };
    Step::new(check.rule.name(trusted), told)
}

impl Rule {
    /// The key of the setting.
    fn key(self) -> Option<&'static str> {
        match self {
            Self::Setting(key) => Some(key),
            Self::Part(..) | Self::Rates(_) | Self::Everybody(_) | Self::Recipient => None,
        }
    }

    /// Whether it exists only in `[receiving.trusted]`, for logged-in or trusted clients.
    fn is_of_the_trusted(self) -> bool {
        let (Self::Setting(key) | Self::Part(key, _)) = self else {
            return false;
        };
        by_key(key).is_some_and(|setting| matches!(setting.class, Class::Trusted(_)))
    }

    /// Its value; none if it is off.
    fn set(self, rules: &ReceivingRules) -> Option<String> {
        match self {
            Self::Setting(key) | Self::Part(key, _) => (by_key(key)?.show)(rules),
            Self::Rates(count) => {
                show::rates(rules.rates.iter().filter(|rate| rate.count == count))
            }
            Self::Everybody(_) | Self::Recipient => show::on(true),
        }
    }

    /// Its name in reports.
    pub(crate) fn name(self, trusted: bool) -> String {
        let class = class(trusted);
        match self {
            Self::Setting(key) => format!("[receiving.{class}] {key}"),
            Self::Part(key, part) => format!("[receiving.{class}] {key} ({part})"),
            Self::Rates(count) => {
                let counted = format!("{count:?}").to_lowercase();
                format!("[receiving.{class}] rates ({counted})")
            }
            Self::Everybody(name) => name.to_owned(),
            Self::Recipient => "recipient".to_owned(),
        }
    }
}
