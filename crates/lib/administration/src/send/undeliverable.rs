//! Unreachable recipients.

use std::fmt;

use rules::EmailAddress;
use serde::Serialize;

/// A recipient whose message delivery would return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undeliverable {
    /// The recipient.
    pub recipient: EmailAddress,
    /// Name of the verdict.
    pub verdict: &'static str,
    /// The reason, with the rule.
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
