//! What a command prints: for people, or JSON.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{IsTerminal as _, Write};

use comfy_table::{Cell, CellAlignment, Table, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use message::shown::{escaped, escaped_json};
use serde::Serialize;

use crate::failure::Failure;

/// Where output goes and in which form.
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

    /// Prints a value as JSON, or what `text` makes of it for people.
    pub(crate) fn show<V: Serialize>(&self, value: &V, text: impl FnOnce() -> String) {
        let text = if self.json {
            serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{}} {error}"))
        } else {
            text()
        };
        let text = self.escaped(text.trim_end());
        // A reader that has gone away, such as `head`, is no failure.
        let _gone = writeln!(std::io::stdout(), "{text}");
    }

    /// Prints a document that may be read back from a file: nothing in it is changed but on a terminal.
    pub(crate) fn show_document<V: Serialize>(&self, value: &V, document: &str) {
        if self.json || std::io::stdout().is_terminal() {
            return self.show(value, || document.to_owned());
        }
        let _gone = writeln!(std::io::stdout(), "{}", document.trim_end());
    }

    /// What strangers wrote commands no terminal.
    fn escaped<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.json {
            escaped_json(text)
        } else {
            escaped(text)
        }
    }

    /// Says something beside the result: on standard error, in sentences.
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

/// Aligned columns without lines between: readable, and easy for `awk`.
pub(crate) fn columns(headers: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(headers.iter().map(|header| header.to_uppercase()));
    table
}

/// The same with headers that stay as they are: they name something.
pub(crate) fn named_columns(headers: &[&str]) -> Table {
    let mut table = columns(&[]);
    table.set_header(headers);
    table
}

/// Writes a table without the blanks that would end its lines.
pub(crate) fn written(table: &Table) -> String {
    let text = table.to_string();
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n")
}

/// A number, at the right of its column.
pub(crate) fn number(value: impl Display) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

/// How points in time are written.
pub(crate) struct Times {
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
}

impl Times {
    /// A time of the services, in the local zone.
    pub(crate) fn local(&self, milliseconds: i64) -> String {
        match Timestamp::from_millisecond(milliseconds) {
            Ok(time) if milliseconds != 0 => time
                .to_zoned(self.zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string(),
            _ => "-".to_owned(),
        }
    }

    /// How long ago, or in how long.
    pub(crate) fn distance(&self, milliseconds: i64) -> String {
        let difference = milliseconds.saturating_sub(self.now.as_millisecond());
        let seconds = std::time::Duration::from_secs(difference.unsigned_abs() / 1000);
        let length = rules::format_duration(seconds);
        match difference {
            ..=-1000 => format!("{length} ago"),
            -999..1000 => "now".to_owned(),
            1000.. => format!("in {length}"),
        }
    }
}

/// A time of the services for JSON; null when there is none.
pub(crate) fn utc(milliseconds: i64) -> Option<String> {
    (milliseconds != 0)
        .then(|| Timestamp::from_millisecond(milliseconds).ok())
        .flatten()
        .map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn times_are_written_as_dates_and_distances() {
        let times = Times {
            now: "2026-11-22T20:00:00Z".parse().unwrap(),
            zone: TimeZone::UTC,
        };
        let now = times.now.as_millisecond();
        assert_eq!(times.local(now), "2026-11-22 20:00:00");
        assert_eq!(times.local(0), "-");
        assert_eq!(times.distance(now - 90_500), "1 min 30 s ago");
        assert_eq!(times.distance(now + 3_600_000), "in 1 h");
        assert_eq!(times.distance(now + 5), "now");
        assert_eq!(utc(now).as_deref(), Some("2026-11-22T20:00:00Z"));
        assert_eq!(utc(0), None);
    }

    #[test]
    fn what_commands_a_terminal_is_escaped() {
        let text = "\u{1b}[2J\u{202e}";
        assert_eq!(Screen::new(false).escaped(text), "\\u{1b}[2J\\u{202e}");
        assert_eq!(Screen::new(true).escaped("\u{202e}"), "\\u202e");
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
