//! How mail is delivered.

use std::time::Duration;

use serde::Serialize;

use crate::values::address::EmailAddress;

/// How mail is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliverySettings {
    /// Who gets mail for a postmaster that has no mailbox, and is named in notices.
    pub postmaster: Option<EmailAddress>,
    /// Where mail goes that no domain rule speaks of.
    pub remote: Remote,
    /// How long delivery is tried before the message is returned.
    pub lifetime: Duration,
    /// When the sender is told that the message is late; never when absent.
    pub delay_notice: Option<Duration>,
    /// Times to wait after the first, second, … failed attempt; the last holds from then on.
    /// Never empty.
    pub retry_schedule: Vec<Duration>,
}

/// A way to other servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remote {
    /// To the servers that the DNS names for the domain.
    Direct,
    /// To the gateway of this name.
    Gateway(String),
}

impl Default for DeliverySettings {
    fn default() -> Self {
        const MINUTES: [u64; 10] = [2, 5, 10, 15, 30, 60, 120, 240, 240, 480];
        Self {
            postmaster: None,
            remote: Remote::Direct,
            // RFC 5321 §4.5.4.1: the give-up time generally needs to be at least 4-5 days.
            lifetime: Duration::from_secs(5 * 86_400),
            delay_notice: Some(Duration::from_secs(4 * 3600)),
            retry_schedule: MINUTES.map(|m| Duration::from_secs(60 * m)).to_vec(),
        }
    }
}

impl DeliverySettings {
    /// How long to wait after so many failed attempts.
    pub fn retry_after(&self, failed_attempts: u32) -> Duration {
        let index = usize::try_from(failed_attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        self.retry_schedule
            .get(index)
            .or(self.retry_schedule.last())
            .copied()
            .unwrap_or(Duration::from_secs(3600))
    }
}
