//! Settings of the quarantine.

use std::time::Duration;

use serde::Serialize;

/// The treatment of quarantined mail without a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuarantineSettings {
    /// How long it is kept; then it is removed without a notice.
    pub keep: Duration,
}

impl Default for QuarantineSettings {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(30 * 86_400),
        }
    }
}

impl QuarantineSettings {
    /// The same in seconds, for the wire; at least one.
    pub fn keep_seconds(&self) -> u32 {
        u32::try_from(self.keep.as_secs())
            .unwrap_or(u32::MAX)
            .max(1)
    }
}
