//! `[receiving.trusted]` and `[receiving.untrusted]`.

use crate::document::defaults::defaults;
use crate::document::read::{Keys, Section};
use crate::document::settings::{self, KEYS};
use crate::values::receiving::ReceivingRules;

/// The rules of both classes.
pub(crate) struct Receiving {
    pub(crate) trusted: ReceivingRules,
    pub(crate) untrusted: ReceivingRules,
}

const TABLES: Keys = Keys {
    known: &["trusted", "untrusted"],
    planned: &[],
};

impl Receiving {
    pub(crate) fn read(top: &Section<'_, '_>) -> Self {
        let (mut trusted, mut untrusted) = (defaults(true).clone(), defaults(false).clone());
        if let Some(tables) = top.section("receiving", "[receiving]", &TABLES) {
            if let Some(section) = tables.section("trusted", "[receiving.trusted]", &KEYS) {
                settings::read(&mut trusted, &section, true);
            }
            if let Some(section) = tables.section("untrusted", "[receiving.untrusted]", &KEYS) {
                settings::read(&mut untrusted, &section, false);
            }
        }
        Self { trusted, untrusted }
    }
}
