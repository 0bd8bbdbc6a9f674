//! A line of an explanation.

use serde::Serialize;

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The rule.
    pub rule: String,
    /// What came of it.
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
