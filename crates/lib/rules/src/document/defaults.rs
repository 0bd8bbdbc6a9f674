//! Default values, and the default document.

use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::document::read::Reader;
use crate::document::settings::row::{Group, Setting, Unset};
use crate::document::settings::{self, KEYS, SETTINGS};
use crate::values::receiving::ReceivingRules;

/// Column of comments; a longer line has its comment below.
const COMMENT: usize = 42;

static TRUSTED: LazyLock<ReceivingRules> = LazyLock::new(|| read(true));
static UNTRUSTED: LazyLock<ReceivingRules> = LazyLock::new(|| read(false));

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    include_str!("default.toml")
        .replace("#[trusted]\n", &section(true))
        .replace("#[untrusted]\n", &section(false))
});

/// The default rules of a class.
pub(crate) fn defaults(trusted: bool) -> &'static ReceivingRules {
    if trusted { &TRUSTED } else { &UNTRUSTED }
}

/// The document of a new system.
pub(crate) fn document() -> &'static str {
    &DOCUMENT
}

/// The settings of a class that are on by default.
fn on(trusted: bool) -> String {
    let mut text = String::new();
    for setting in settings::all() {
        if let Unset::Is(value) = setting.unset(trusted) {
            let _ = writeln!(text, "{} = {value}", setting.key);
        }
    }
    text
}

fn read(trusted: bool) -> ReceivingRules {
    let mut rules = ReceivingRules::default();
    let text = on(trusted);
    let reader = Reader::new(&text);
    if let Some(table) = reader.parse() {
        let section = reader.section(&table, "the defaults", &KEYS);
        settings::read(&mut rules, &section, trusted);
    }
    rules
}

/// A section of the default document.
fn section(trusted: bool) -> String {
    let mut text = String::new();
    for Group { about, rows, .. } in SETTINGS {
        let mut said = rows
            .iter()
            .filter(|setting| setting.unset(trusted) != Unset::Unsaid)
            .peekable();
        if said.peek().is_some() && !about.is_empty() {
            text.push('\n');
            for line in *about {
                let _ = writeln!(text, "# {line}");
            }
        }
        for setting in said {
            write_setting(&mut text, setting, trusted);
        }
    }
    text
}

fn write_setting(text: &mut String, setting: &Setting, trusted: bool) {
    let Setting { key, doc, .. } = setting;
    let line = match setting.unset(trusted) {
        Unset::Is(value) => format!("{key} = {value}"),
        Unset::Off(example) => format!("# {key} = {example}"),
        Unset::Unsaid => return,
    };
    let mut doc = doc.lines();
    let beside = if line.len() < COMMENT {
        doc.next()
    } else {
        None
    };
    let _ = match beside {
        Some(beside) => writeln!(text, "{line:COMMENT$}# {beside}"),
        None => writeln!(text, "{line}"),
    };
    for below in doc {
        let _ = writeln!(text, "{:COMMENT$}# {below}", "");
    }
}

#[cfg(test)]
mod tests;
