//! The output of a command: for people, or JSON.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{IsTerminal as _, Write};

use administration::{Listing, Times};
use comfy_table::{Cell, CellAlignment, Table, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use message::shown::{escaped, escaped_json};
use serde::Serialize;

use crate::failure::Failure;

/// The target and the form of the output.
pub(crate) struct Screen {
    json: bool,
    pub(crate) times: Times,
}

impl Screen {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            times: Times {
                now: Timestamp::now(),
                zone: TimeZone::system(),
            },
        }
    }

    /// Prints a value as JSON, or as the result of `text` for people.
    pub(crate) fn show<V: Serialize>(&self, value: &V, text: impl FnOnce() -> String) {
        let text = if self.json {
            serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{}} {error}"))
        } else {
            text()
        };
        let text = self.escaped(text.trim_end());
        // A reader that has closed, such as `head`, is no failure.
        let _gone = writeln!(std::io::stdout(), "{text}");
    }

    /// Prints a list, and says on standard error if there are more entries.
    pub(crate) fn show_list<T: Serialize>(
        &self,
        listing: &Listing<T>,
        text: impl FnOnce(&[T]) -> String,
    ) {
        self.show(&listing.entries, || text(&listing.entries));
        if listing.more {
            self.remark("There are more; ask for them by --limit.");
        }
    }

    /// Prints a document that may be saved and read back: nothing is changed, except on a terminal.
    pub(crate) fn show_document<V: Serialize>(&self, value: &V, document: &str) {
        if self.json || std::io::stdout().is_terminal() {
            return self.show(value, || document.to_owned());
        }
        let _gone = writeln!(std::io::stdout(), "{}", document.trim_end());
    }

    /// Text of strangers must not control the terminal.
    fn escaped<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.json {
            escaped_json(text)
        } else {
            escaped(text)
        }
    }

    /// Prints a remark besides the result, on standard error.
    pub(crate) fn remark(&self, text: impl Display) {
        let _gone = writeln!(std::io::stderr(), "{}", escaped(&text.to_string()));
    }

    pub(crate) fn complain(&self, failure: &Failure) {
        if self.json {
            let told = serde_json::json!({ "error": failure.to_string(), "code": failure.code() });
            let told = told.to_string();
            let _gone = writeln!(std::io::stderr(), "{}", escaped_json(&told));
        } else {
            self.remark(format_args!("postern: {failure}"));
        }
    }
}

/// Aligned columns without lines: readable, and easy for `awk`.
pub(crate) fn columns(headers: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(headers.iter().map(|header| header.to_uppercase()));
    table
}

/// The same with unchanged headers, which are names.
pub(crate) fn named_columns(headers: &[&str]) -> Table {
    let mut table = columns(&[]);
    table.set_header(headers);
    table
}

/// The table as text, without trailing blanks.
pub(crate) fn written(table: &Table) -> String {
    let text = table.to_string();
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n")
}

/// Maximum characters of a text of strangers in a table; JSON has the whole text.
const LONGEST_CELL: usize = 60;

/// The text for a table, shortened: one long text would widen all rows.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_CELL) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let kept: String = text.chars().take(LONGEST_CELL - 1).collect();
            Cow::Owned(kept + "…")
        }
    }
}

/// A number, right-aligned.
pub(crate) fn number(value: impl Display) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_a_terminal_is_escaped() {
        let text = "\u{1b}[2J\u{202e}";
        assert_eq!(Screen::new(false).escaped(text), "\\u{1b}[2J\\u{202e}");
        assert_eq!(Screen::new(true).escaped("\u{202e}"), "\\u202e");
    }

    #[test]
    fn a_long_text_is_cut_in_a_table() {
        let long = "ü".repeat(LONGEST_CELL);
        assert_eq!(cut(&long), long);
        let cut = cut(&long.repeat(2)).into_owned();
        assert_eq!(cut.chars().count(), LONGEST_CELL);
        assert!(cut.ends_with("ü…"));
    }

    #[test]
    fn tables_have_columns_and_no_blanks_at_the_end() {
        let mut table = columns(&["name", "size"]);
        table.add_row([Cell::new("bob"), number(7)]);
        table.add_row([Cell::new("a long name"), number(12_345)]);
        assert_eq!(
            written(&table),
            "NAME         SIZE\nbob              7\na long name  12345"
        );
    }
}
