//! `[delivery]`: postmaster, the way to other servers, retries.

use std::time::Duration;

use serde::Serialize;

use crate::address::EmailAddress;
use crate::document::read::{Choice, Choices, Keys, Located, Section};
use crate::duration::parse_duration;

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

pub(crate) struct DeliverySection {
    pub(crate) settings: DeliverySettings,
    pub(crate) remote: Located<Remote>,
}

const KEYS: Keys = Keys {
    known: &[
        "postmaster",
        "remote",
        "lifetime",
        "delay-notice",
        "retry-schedule",
    ],
    planned: &["attempts"],
};

const REMOTE: Choices = Choices {
    words: &["direct"],
    keys: &["gateway"],
    planned: &[],
    listed: "\"direct\" or { gateway = \"NAME\" }",
};

impl DeliverySection {
    pub(crate) fn read(top: &Section<'_, '_>) -> Self {
        let mut settings = DeliverySettings::default();
        let Some(section) = top.section("delivery", "[delivery]", &KEYS) else {
            let remote = Located {
                value: Remote::Direct,
                line: 1,
            };
            return Self { settings, remote };
        };
        settings.postmaster = section.parsed("postmaster", EmailAddress::parse);
        if let Some(lifetime) = section.parsed("lifetime", positive) {
            settings.lifetime = lifetime;
        }
        if let Some(notice) = section.parsed("delay-notice", duration_or_never) {
            settings.delay_notice = notice;
        }
        let schedule = section.list("retry-schedule", positive);
        if !schedule.is_empty() {
            settings.retry_schedule = schedule.into_iter().map(|time| time.value).collect();
        } else if section.has("retry-schedule") {
            section.refuse("retry-schedule", "`retry-schedule` needs at least one time");
        }
        let remote = match section.choice("remote", &REMOTE) {
            Some(Choice::Keyed(_, gateway)) => Remote::Gateway(gateway.to_owned()),
            _ => Remote::Direct,
        };
        settings.remote = remote.clone();
        let line = section.line_of("remote");
        Self {
            settings,
            remote: Located {
                value: remote,
                line,
            },
        }
    }
}

/// A length of time that is not zero.
pub(super) fn positive(text: &str) -> Result<Duration, &'static str> {
    match parse_duration(text)? {
        Duration::ZERO => Err("must be longer than nothing"),
        duration => Ok(duration),
    }
}

pub(super) fn duration_or_never(text: &str) -> Result<Option<Duration>, &'static str> {
    match text {
        "never" => Ok(None),
        _ => positive(text).map(Some),
    }
}
