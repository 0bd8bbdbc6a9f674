//! A line of an explanation.

use serde::Serialize;

/// An evaluated rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The rule.
    pub rule: String,
    /// Its outcome.
    pub outcome: String,
}

impl Step {
    pub(crate) fn new(rule: impl Into<String>, outcome: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            outcome: outcome.into(),
        }
    }
}
