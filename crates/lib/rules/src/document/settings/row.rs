//! A setting, as a row of the table.

use std::fmt::Display;

use crate::document::read::Section;
use crate::values::receiving::ReceivingRules;

/// Settings about one thing.
pub(crate) struct Group {
    /// What they are about.
    pub(crate) title: &'static str,
    /// What there is to say about all of them, a line of a comment each.
    pub(crate) about: &'static [&'static str],
    pub(crate) rows: &'static [Setting],
}

/// A setting.
pub(crate) struct Setting {
    /// As the document writes it.
    pub(crate) key: &'static str,
    /// What it does.
    pub(crate) doc: &'static str,
    /// What holds for trusted sessions unless it is set.
    pub(crate) trusted: Unset,
    /// The same for all others.
    pub(crate) untrusted: Unset,
    /// For which class it makes no sense.
    pub(crate) class: Class,
    /// Reads it from a section that has it.
    pub(crate) read: fn(&mut ReceivingRules, &Written<'_, '_, '_>),
    /// How it is set, in few words; `None` when it is off.
    pub(crate) show: fn(&ReceivingRules) -> Option<String>,
}

/// What holds unless a setting is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unset {
    /// This, as the document writes it.
    Is(&'static str),
    /// It is off; the default document shows in a comment how it may be set.
    Off(&'static str),
    /// It is off, and the default document does not speak of it.
    Unsaid,
}

/// For which classes a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Both,
    /// For trusted sessions; why it is refused when it is written for others.
    Trusted(&'static str),
    /// For untrusted sessions; why it is refused when it is on for others.
    Untrusted(&'static str),
    /// It may be off for untrusted sessions, and why it may not be on.
    NeverUntrusted(&'static str),
}

/// A setting that a section has.
pub(crate) struct Written<'s, 'r, 'i> {
    pub(super) section: &'s Section<'r, 'i>,
    pub(super) key: &'static str,
}

impl Setting {
    /// What holds for a class unless it is set.
    pub(crate) fn unset(&self, trusted: bool) -> Unset {
        if trusted {
            self.trusted
        } else {
            self.untrusted
        }
    }
}

impl Written<'_, '_, '_> {
    /// Sets a switch.
    pub(super) fn switch(&self, switch: &mut bool) {
        if let Some(on) = self.section.boolean(self.key) {
            *switch = on;
        }
    }

    pub(super) fn parsed<T, E: Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.section.parsed(self.key, parse)
    }

    pub(super) fn number(&self) -> Option<u32> {
        self.section.number(self.key)
    }

    pub(super) fn integer(&self) -> Option<i32> {
        self.section.integer(self.key)
    }

    pub(super) fn refuse(&self, reason: &str) {
        self.section.refuse(self.key, reason);
    }
}
