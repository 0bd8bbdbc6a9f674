//! Makes text from outside safe to display: on terminals, in logs, in lists of refusals.

use std::borrow::Cow;

/// Whether a terminal or viewer obeys the character instead of showing it: control characters, and those
/// that change the direction of text (UAX #9: `txt.exe` may be displayed as `exe.txt`).
#[must_use]
pub fn is_command(c: char) -> bool {
    c.is_control() || is_bidirectional(c)
}

fn is_bidirectional(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Escapes such characters as `\u{202e}`; line ends and tabs stay.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    escaped_as(text, |c| c.escape_unicode().to_string())
}

/// Escapes such characters in JSON as `\u202e`: they can occur only in its strings, where control
/// characters below U+0020 are already escaped.
#[must_use]
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    escaped_as(json, |c| format!("\\u{:04x}", u32::from(c)))
}

fn escaped_as(text: &str, write: impl Fn(char) -> String) -> Cow<'_, str> {
    let unwanted = |c: char| is_command(c) && !matches!(c, '\n' | '\t');
    if !text.contains(unwanted) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let ends_line = c == '\r' && characters.peek() == Some(&'\n');
        if unwanted(c) && !ends_line {
            escaped.push_str(&write(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Maximum octets of text in lists of messages and in sort keys.
pub(crate) const MAX_SHOWN: usize = 1_000;

/// The text without NUL, which the database cannot store as text.
pub(crate) fn without_nul(mut text: String) -> String {
    if text.contains('\0') {
        text.retain(|character| character != '\0');
    }
    text
}

/// The text without NUL, cut at a character boundary.
pub(crate) fn cut(text: String) -> String {
    let mut text = without_nul(text);
    if text.len() > MAX_SHOWN {
        let mut end = MAX_SHOWN;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_escaped_and_all_else_stays() {
        let text = "a\u{1b}[2J\u{202e}b\u{2066}c\u{200f}\u{61c}\u{9b}\r\n\tü\u{200d}\r";
        assert_eq!(
            escaped(text),
            "a\\u{1b}[2J\\u{202e}b\\u{2066}c\\u{200f}\\u{61c}\\u{9b}\r\n\tü\u{200d}\\u{d}"
        );
        assert_eq!(escaped_json("\"\u{202e}\u{7f}ü\""), "\"\\u202e\\u007fü\"");
        assert!(matches!(escaped("plain\n"), Cow::Borrowed(_)));
    }
}
