//! The settings of `[receiving.trusted]` and `[receiving.untrusted]`. Each is one row, used to parse the
//! document, to write the default document and docs/policy.md, and to show its value in `explain`.

mod dns;
mod limits;
pub(crate) mod row;
pub(crate) mod show;
mod strangers;
mod submission;
mod vouching;

use crate::document::read::{Keys, Section};
use crate::document::settings::row::{Class, Group, Setting, Written};
use crate::values::receiving::ReceivingRules;

/// All settings, grouped by topic.
pub(crate) const SETTINGS: &[Group] = &[
    limits::GROUP,
    submission::GROUP,
    strangers::GROUP,
    dns::GROUP,
    vouching::GROUP,
];

const COUNT: usize = {
    let (mut count, mut group) = (0, 0);
    while group < SETTINGS.len() {
        count += SETTINGS[group].rows.len();
        group += 1;
    }
    count
};

const KNOWN: [&str; COUNT] = {
    let mut known = [""; COUNT];
    let (mut count, mut group) = (0, 0);
    while group < SETTINGS.len() {
        let rows = SETTINGS[group].rows;
        let mut row = 0;
        while row < rows.len() {
            known[count] = rows[row].key;
            count += 1;
            row += 1;
        }
        group += 1;
    }
    known
};

/// The keys of a section of settings.
pub(crate) const KEYS: Keys = Keys {
    known: &KNOWN,
    planned: &[],
};

/// The setting with this key.
pub(crate) fn by_key(key: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.key == key)
}

/// All settings.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().flat_map(|group| group.rows)
}

/// Parses the settings of a section.
pub(crate) fn read(rules: &mut ReceivingRules, section: &Section<'_, '_>, trusted: bool) {
    for setting in all().filter(|setting| section.has(setting.key)) {
        let key = setting.key;
        (setting.read)(rules, &Written { section, key });
        let on = (setting.show)(rules).is_some();
        match setting.class {
            Class::Trusted(why) if !trusted => section.refuse(key, why),
            Class::Untrusted(why) if trusted && on => section.refuse(key, why),
            Class::NeverUntrusted(why) if !trusted && on => section.refuse(key, why),
            _ => {}
        }
    }
}
