//! A log whose lines command no terminal: what the formatter leaves as it is, such as characters that
//! change the direction of a text, is escaped.

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

/// The formatter itself writes ESC where the log is a terminal, and escapes that of others.
fn text(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return escaped(line);
    }
    let pieces: Vec<Cow<'_, str>> = line.split('\u{1b}').map(escaped).collect();
    Cow::Owned(pieces.join("\u{1b}"))
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
        Escaping::json(&mut log).write_all("{\"helo\":\"\u{202e}\"}\n".as_bytes())?;
        let written = "\u{1b}[2mhelo=\\u{202e}x\u{1b}[0m\n{\"helo\":\"\\u202e\"}\n";
        assert_eq!(log, written.as_bytes());
        Ok(())
    }
}
