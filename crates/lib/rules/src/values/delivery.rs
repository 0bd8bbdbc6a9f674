//! Settings of delivery.

use std::time::Duration;

use serde::Serialize;

use crate::values::address::EmailAddress;

/// Settings of delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliverySettings {
    /// The address for mail to a postmaster without a mailbox, also named in notices.
    pub postmaster: Option<EmailAddress>,
    /// The route of mail without a domain rule.
    pub remote: Remote,
    /// How long delivery is attempted before the message is returned.
    pub lifetime: Duration,
    /// When the sender is notified of a delay; `None`: never.
    pub delay_notice: Option<Duration>,
    /// Waiting times after the first, second, … failed attempt; the last applies to all later ones. Never
    /// empty.
    pub retry_schedule: Vec<Duration>,
}

/// A route to other servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remote {
    /// To the domain's MX servers.
    Direct,
    /// To the gateway with this name.
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
    /// The waiting time after this number of failed attempts.
    pub fn retry_after(&self, failed_attempts: u32) -> Duration {
        let index = usize::try_from(failed_attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        self.retry_schedule
            .get(index)
            .or(self.retry_schedule.last())
            .copied()
            .unwrap_or(Duration::from_secs(3600))
    }
}
