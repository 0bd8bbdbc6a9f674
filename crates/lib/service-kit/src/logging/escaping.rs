//! Escapes log lines, so that they cannot control a terminal: the formatter leaves some characters unescaped,
//! such as those that change the direction of text.

use std::borrow::Cow;
use std::io::{self, Write};

use message::shown::{escaped, escaped_json};

/// Writes whole lines to `to`.
pub(super) struct Escaping<W> {
    to: W,
    escape: fn(&str) -> Cow<'_, str>,
}

impl<W> Escaping<W> {
    pub(super) fn text(to: W) -> Self {
        Self { to, escape: text }
    }

    pub(super) fn json(to: W) -> Self {
        Self {
            to,
            escape: escaped_json,
        }
    }
}

/// Colours stay: the formatter writes them if the log is a terminal. Any other ESC comes from logged text.
fn text(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return escaped(line);
    }
    let mut pieces = line.split('\u{1b}');
    let mut whole = escaped(pieces.next().unwrap_or_default()).into_owned();
    for piece in pieces {
        whole.push_str(if is_colour(piece) {
            "\u{1b}"
        } else {
            "\\u{1b}"
        });
        whole.push_str(&escaped(piece));
    }
    Cow::Owned(whole)
}

/// Whether the text after an ESC selects the appearance of characters (SGR, ECMA-48 §8.3.117).
fn is_colour(after: &str) -> bool {
    let numbers = |c: char| c.is_ascii_digit() || c == ';';
    after
        .strip_prefix('[')
        .is_some_and(|rest| rest.trim_start_matches(numbers).starts_with('m'))
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(octets) {
            Ok(line) => self.to.write_all((self.escape)(line).as_bytes())?,
            Err(_) => self.to.write_all(octets)?,
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_escaped_and_colours_stay() -> io::Result<()> {
        let mut log = Vec::new();
        Escaping::text(&mut log).write_all("\u{1b}[2mhelo=\u{202e}x\u{1b}[0m\n".as_bytes())?;
        Escaping::text(&mut log).write_all("x=\u{1b}[2J\u{1b}]0;t\n".as_bytes())?;
        Escaping::json(&mut log).write_all("{\"helo\":\"\u{202e}\"}\n".as_bytes())?;
        let written =
            "\u{1b}[2mhelo=\\u{202e}x\u{1b}[0m\nx=\\u{1b}[2J\\u{1b}]0;t\n{\"helo\":\"\\u202e\"}\n";
        assert_eq!(log, written.as_bytes());
        Ok(())
    }
}
