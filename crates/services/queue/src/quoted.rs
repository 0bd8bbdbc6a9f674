//! Text of strangers that is stored and shown to people.

use message::shown::is_command;

/// At most `longest` octets of the text, without terminal control characters and without NUL, which Postgres
/// does not accept.
pub(crate) fn quoted(mut text: String, longest: usize) -> String {
    text.truncate(text.floor_char_boundary(longest));
    if text.contains(is_command) {
        text = text.replace(is_command, "\u{fffd}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_cut_between_characters_and_commands_nothing() {
        assert_eq!(quoted("caf\u{e9}!".to_owned(), 4), "caf");
        let said = "\u{1b}[2Jx\0y\r\n\u{202e}".to_owned();
        assert_eq!(
            quoted(said, 100),
            "\u{fffd}[2Jx\u{fffd}y\u{fffd}\u{fffd}\u{fffd}"
        );
    }
}
