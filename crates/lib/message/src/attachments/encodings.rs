//! The transfer encodings that clients may read in a header section (RFC 2045 §6.1).

use memchr::memmem;

use super::words::{lower, next};
use crate::header::{Token, Tokens, unfold};

/// The possible transfer encodings of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Encodings {
    pub(super) base64: bool,
    pub(super) quoted_printable: bool,
    /// None, or an unknown one.
    pub(super) other: bool,
    /// uuencode: encoded data begins with a line of its own, and is found anywhere.
    pub(super) uuencode: bool,
    /// An encoding that some client may know.
    pub(super) unknown: bool,
}

impl Encodings {
    /// Whether some client decodes it.
    pub(super) fn any(self) -> bool {
        self.base64 || self.quoted_printable
    }

    /// Reads a field. Encodings that are decoded here are found anywhere in it: a client that does not parse
    /// comments or parameters may find them there.
    pub(super) fn take(&mut self, value: &[u8]) {
        let whole = unfold(value).to_ascii_lowercase();
        let has = |word: &[u8]| memmem::find(&whole, word).is_some();
        self.other |= !matches!(whole.as_slice(), b"base64" | b"quoted-printable");
        self.base64 |= has(b"base64");
        self.quoted_printable |= has(b"quoted");
        let words = Words::read(value);
        self.uuencode |= words.all.iter().any(|word| is_uuencode(word));
        self.unknown |= !is_none(&words.named.concat())
            && !words.named.iter().all(|word| {
                word.contains("base64")
                    || word.contains("quoted")
                    || (word == "printable" && self.quoted_printable)
                    || is_uuencode(word)
                    || is_none(word)
            });
    }
}

/// The words of a field.
#[derive(Default)]
struct Words {
    all: Vec<String>,
    /// Those that may name an encoding: before the parameters, without media types and the word "charset",
    /// which broken senders write here.
    named: Vec<String>,
}

impl Words {
    fn read(value: &[u8]) -> Self {
        let mut words = Self::default();
        let mut tokens = Tokens::of_mime(value);
        let mut in_parameters = false;
        let mut after_slash = false;
        while let Some(token) = next(&mut tokens) {
            let word = match token {
                Token::Atom(word) => lower(word),
                Token::Quoted(word) => lower(&word),
                Token::Special(b';') => {
                    in_parameters = true;
                    continue;
                }
                Token::Special(b'/') if !in_parameters => {
                    after_slash = words.named.pop().is_some();
                    continue;
                }
                _ => continue,
            };
            let is_of_type = std::mem::take(&mut after_slash);
            let is_label = words.all.is_empty() && word == "charset";
            if !in_parameters && !is_of_type && !is_label {
                words.named.push(word.clone());
            }
            words.all.push(word);
        }
        words
    }
}

fn is_uuencode(word: &str) -> bool {
    matches!(word, "x-uuencode" | "uuencode" | "x-uue" | "uue")
}

/// Whether the value means no encoding: as in the standard, or a charset name as broken senders write it.
fn is_none(word: &str) -> bool {
    if crate::decode::is_charset(word.as_bytes()) {
        return true;
    }
    let word: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
    matches!(
        word.as_str(),
        "" | "7bit"
            | "7bits"
            | "8bit"
            | "8bits"
            | "binary"
            | "none"
            | "identity"
            | "default"
            | "raw"
            | "text"
            | "plain"
            | "textplain"
            | "usascii"
            | "utf8"
    ) || word.starts_with("iso8859")
        || word.starts_with("windows125")
        || word.starts_with("koi8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_decode_is_decoded_and_what_none_knows_is_unclear() {
        // The value; whether it is base64, quoted-printable, uuencode, or unclear.
        for (value, expected) in [
            ("7bit", ""),
            ("7 bit", ""),
            ("8bit; charset=utf-8", ""),
            ("charset=utf-8", ""),
            ("charset = \"iso-8859-1\"", ""),
            ("text/html", ""),
            ("text/plain; charset=x-unknown", ""),
            ("multipart/mixed", ""),
            ("; x", ""),
            ("base64", "b"),
            ("base64; charset=utf-8", "b"),
            ("7bit; base64", "b"),
            ("text/base64", "b"),
            ("7bit (base64)", "b"),
            ("quoted-printable", "q"),
            ("Quoted Printable", "q"),
            ("printable quoted", "q"),
            ("text/html; quoted-printable", "q"),
            ("x-uue", "u"),
            ("UUE", "u"),
            ("7bit; x-uuencode", "u"),
            ("printable", "?"),
            ("charset=x-yenc", "?"),
            ("x-yenc", "?"),
            ("x-yenc; charset=utf-8", "?"),
            ("text/html x-yenc", "?"),
            ("/x-yenc", "?"),
            ("utf-8 charset x-yenc", "?"),
            ("base64 x-yenc", "b?"),
        ] {
            let mut found = Encodings::default();
            found.take(value.as_bytes());
            let shown = [
                (found.base64, 'b'),
                (found.quoted_printable, 'q'),
                (found.uuencode, 'u'),
                (found.unknown, '?'),
            ];
            let shown = shown.iter().filter(|(is, _)| *is);
            let shown: String = shown.map(|(_, letter)| letter).collect();
            assert_eq!(shown, expected, "{value}");
            let exact = matches!(value, "base64" | "quoted-printable");
            assert_eq!(found.other, !exact, "{value}");
        }
    }
}
