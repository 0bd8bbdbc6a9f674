//! `[quarantine]`: mail kept until an administrator decides.

use std::time::Duration;

use crate::document::delivery::positive;
use crate::document::read::{Keys, Section};
use crate::values::quarantine::QuarantineSettings;

/// Maximum time to keep mail: a quarantine is no archive.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

const KEYS: Keys = Keys {
    known: &["keep"],
    planned: &[],
};

impl QuarantineSettings {
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
