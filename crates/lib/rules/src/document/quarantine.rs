//! `[quarantine]`: mail that is kept back until an administrator decides.

use std::time::Duration;

use serde::Serialize;

use crate::document::delivery::positive;
use crate::document::read::{Keys, Section};

/// What becomes of mail in quarantine that nobody decides about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuarantineSettings {
    /// How long it is kept; then it is removed, and nobody is told.
    pub keep: Duration,
}

/// Longest time that mail is kept: a quarantine is no archive.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

const KEYS: Keys = Keys {
    known: &["keep"],
    planned: &[],
};

impl Default for QuarantineSettings {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(30 * 86_400),
        }
    }
}

impl QuarantineSettings {
    /// The same in seconds, as it travels; at least one.
    pub fn keep_seconds(&self) -> u32 {
        u32::try_from(self.keep.as_secs())
            .unwrap_or(u32::MAX)
            .max(1)
    }

    pub(super) fn read(top: &Section<'_, '_>) -> Self {
        let mut settings = Self::default();
        let Some(section) = top.section("quarantine", "[quarantine]", &KEYS) else {
            return settings;
        };
        if let Some(keep) = section.parsed("keep", positive) {
            if keep > LONGEST {
                section.refuse("keep", "`keep` can be at most 366 days");
            }
            settings.keep = keep;
        }
        settings
    }
}
