//! Commands against the grammar, as leniently treated peers may write them.

use std::borrow::Cow;

use super::Session;
use crate::server::standing::Standing;
use crate::server::table::Entry;
use crate::server::terms::Terms;

impl Session {
    /// Whether the refused line would be a command under the same terms, but leniently.
    pub(super) fn would_be_taken_leniently(&self, line: &[u8]) -> bool {
        if self.terms.lenient {
            return false;
        }
        let text = match std::str::from_utf8(line) {
            Ok(text) => Some(Cow::from(text)),
            Err(_) => hello_in_latin_1(line).map(Cow::from),
        };
        let Some(text) = text.filter(|text| !text.contains(['\0', '\r'])) else {
            return false;
        };
        let Some(entry) = Entry::find(text.as_bytes()) else {
            return false;
        };
        let arguments = &text[entry.verb.len()..];
        let terms = Terms {
            lenient: true,
            ..self.terms
        };
        let standing = Standing {
            terms: &terms,
            ..self.standing()
        };
        (arguments.is_empty() || arguments.starts_with(' '))
            && entry
                .read(arguments.trim_end_matches(' '), &standing)
                .is_ok()
    }
}

/// EHLO or HELO with a name in Latin-1, as text. What is a control character there stands for another
/// character in most of the code pages of devices.
pub(super) fn hello_in_latin_1(line: &[u8]) -> Option<String> {
    let entry = Entry::find(line)?;
    let readable = |&octet: &u8| match char::from(octet) {
        '\u{80}'..='\u{9f}' => '?',
        character => character,
    };
    let text: String = line.iter().map(readable).collect();
    (matches!(entry.verb, "EHLO" | "HELO") && !text.contains(['\0', '\r'])).then_some(text)
}
