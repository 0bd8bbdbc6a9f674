//! Recipients that cannot be reached.

use std::fmt;

use rules::EmailAddress;
use serde::Serialize;

/// A recipient that delivery would only return to the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undeliverable {
    /// Who cannot be reached.
    pub recipient: EmailAddress,
    /// Name of the verdict.
    pub verdict: &'static str,
    /// Why, by which rule.
    pub reason: String,
}

impl fmt::Display for Undeliverable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            recipient,
            verdict,
            reason,
        } = self;
        write!(f, "{recipient}: {verdict}, {reason}")
    }
}
