//! A setting, as a row of the table.

use std::fmt::Display;

use crate::document::read::Section;
use crate::values::receiving::ReceivingRules;

/// Settings of one topic.
pub(crate) struct Group {
    /// The topic.
    pub(crate) title: &'static str,
    /// Common explanation, one comment line each.
    pub(crate) about: &'static [&'static str],
    pub(crate) rows: &'static [Setting],
}

/// A setting.
pub(crate) struct Setting {
    /// The key in the document.
    pub(crate) key: &'static str,
    /// The explanation.
    pub(crate) doc: &'static str,
    /// The default for trusted sessions.
    pub(crate) trusted: Unset,
    /// The default for untrusted sessions.
    pub(crate) untrusted: Unset,
    /// The classes that the setting applies to.
    pub(crate) class: Class,
    /// Reads it from a section that contains it.
    pub(crate) read: fn(&mut ReceivingRules, &Written<'_, '_, '_>),
    /// The value in few words; `None` if the setting is off.
    pub(crate) show: fn(&ReceivingRules) -> Option<String>,
}

/// The default of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unset {
    /// This value, as written in the document.
    Is(&'static str),
    /// Off; the default document shows an example in a comment.
    Off(&'static str),
    /// Off, and not mentioned in the default document.
    Unsaid,
}

/// The classes that a setting applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Both,
    /// Trusted sessions only; the text is the error for untrusted ones.
    Trusted(&'static str),
    /// Untrusted sessions only; the text is the error if it is on for trusted ones.
    Untrusted(&'static str),
    /// Always off for untrusted sessions; the text is the error if it is on.
    NeverUntrusted(&'static str),
}

/// A setting present in a section.
pub(crate) struct Written<'s, 'r, 'i> {
    pub(super) section: &'s Section<'r, 'i>,
    pub(super) key: &'static str,
}

impl Setting {
    /// The default for a class.
    pub(crate) fn unset(&self, trusted: bool) -> Unset {
        if trusted {
            self.trusted
        } else {
            self.untrusted
        }
    }
}

impl Written<'_, '_, '_> {
    /// Reads a switch.
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
