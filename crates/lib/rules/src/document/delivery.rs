//! `[delivery]`: postmaster, route to other servers, retries.

use std::time::Duration;

use crate::document::choice::{Choice, Choices};
use crate::document::read::{Keys, Located, Section};
use crate::values::address::EmailAddress;
use crate::values::delivery::{DeliverySettings, Remote};
use crate::values::duration::parse_duration;

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

/// A duration above zero.
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
