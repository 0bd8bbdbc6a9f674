//! The spellings of a file's name that may become its name on a client's disk.

use std::borrow::Cow;

use memchr::memmem;
use unicode_normalization::UnicodeNormalization as _;

use crate::decode;
use crate::shown::is_command;

/// Maximum number of readings of a parameter's value.
const MAX_READINGS: usize = 40;
/// Maximum nesting of encodings in a value, plus the round that finds no more.
const MAX_ROUNDS: usize = 4;

/// The reason why a parameter's name is ambiguous.
pub(super) const UNCLEAR: &str = "a part has a name that cannot be decoded";

/// The possible names in a parameter's value, given its readings: as it is, with encoded words (which RFC
/// 2047 §5 forbids there and many senders use), and percent-encoded, declared or not; each applied again to
/// the decoded result. False if another name is possible too.
#[must_use]
pub(super) fn of_parameter(values: &[Vec<u8>], into: &mut Vec<String>) -> bool {
    let mut readings = Readings::default();
    for value in values {
        readings.add(value.clone());
    }
    let mut begun = 0;
    for _ in 0..MAX_ROUNDS {
        let known = readings.all.len();
        for at in begun..known {
            readings.decode(at);
        }
        begun = known;
    }
    let is_clear = readings.is_clear && begun == readings.all.len();
    for reading in &readings.all {
        // A decoded word is not also taken literally.
        if readings.all.len() == 1 || !has_word(reading) {
            match std::str::from_utf8(reading) {
                Ok(text) => of_text(text, into),
                Err(_) => of_text(&decode::unstructured(reading), into),
            }
        }
    }
    is_clear
}

struct Readings {
    all: Vec<Vec<u8>>,
    /// All of them could be decoded.
    is_clear: bool,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            is_clear: true,
        }
    }
}

impl Readings {
    fn add(&mut self, reading: Vec<u8>) {
        if self.all.contains(&reading) {
            return;
        }
        self.is_clear &= self.all.len() < MAX_READINGS;
        if self.is_clear {
            self.all.push(reading);
        }
    }

    /// Decodes the reading `at`.
    fn decode(&mut self, at: usize) {
        let value = self.all[at].clone();
        if memmem::find(&value, b"=?").is_some() {
            // Some senders put white space within a word, others truncate a word anywhere or at the end of
            // the name.
            let dense: Vec<u8> = value
                .iter()
                .copied()
                .filter(|byte| !byte.is_ascii_whitespace())
                .collect();
            self.is_clear &= !decode::is_unclear(&dense);
            for words in [&value, &dense, &joined_words(&dense)] {
                self.add(decode::unstructured(words).into_bytes());
            }
            let closed = decode::unstructured(&[&dense[..], b"?="].concat()).into_bytes();
            if !dense.ends_with(b"?=") && !has_word(&closed) {
                self.add(closed);
            }
        }
        if value.contains(&b'%') {
            self.add(decode::extended(&value).into_bytes());
        }
    }
}

/// Whether it looks like an encoded word.
fn has_word(value: &[u8]) -> bool {
    memmem::find(value, b"=?").is_some_and(|at| memmem::find(&value[at + 2..], b"?=").is_some())
}

/// Joins consecutive encoded words: drops the `?==?charset?B?` between them.
fn joined_words(words: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(words.len());
    let mut rest = words;
    while let Some(at) = memmem::find(rest, b"?==?") {
        let (before, after) = (&rest[..at], &rest[at + 4..]);
        let mut marks = after.iter().enumerate().filter(|(_, byte)| **byte == b'?');
        let Some((end, _)) = marks.nth(1) else { break };
        joined.extend_from_slice(before);
        rest = &after[end + 1..];
    }
    joined.extend_from_slice(rest);
    joined
}

/// The readings of a text as a file's name.
pub(super) fn of_text(text: &str, into: &mut Vec<String>) {
    let mut take = |name: &str| {
        let name = name
            .trim_matches(is_padding_in_front)
            .trim_end_matches(is_padding);
        if !name.is_empty() && !into.iter().any(|known| known == name) {
            into.push(name.to_owned());
        }
    };
    // Some programs end a name at NUL, others skip it.
    let to_nul = text
        .split('\0')
        .next()
        .filter(|start| start.len() < text.len());
    for text in to_nul.into_iter().chain([text]) {
        let text = plain(text);
        let file = last_component(&text);
        take(file);
        // `a.exe:stream` and `a.exe::$DATA` are a.exe on Windows.
        if let Some((file, _)) = file.split_once(':') {
            take(file);
        }
    }
}

fn last_component(path: &str) -> &str {
    path.rsplit(['/', '\\'])
        .find(|component| !component.trim_end_matches(is_padding).is_empty())
        .unwrap_or_default()
}

/// Windows drops dots and blanks at the end of a name.
fn is_padding(c: char) -> bool {
    c == '.' || is_padding_in_front(c)
}

fn is_padding_in_front(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>')
}

/// Without invisible characters, in normal form (NFKC).
fn plain(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ')
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfkc().filter(|c| !is_unseen(*c)).collect())
}

/// Control and format characters: right-to-left overrides show `exe.txt` for `txt.exe`.
fn is_unseen(c: char) -> bool {
    is_command(c)
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_compared_in_all_spellings_that_a_disk_may_make_of_it() {
        for (value, name) in [
            ("evil.exe", "evil.exe"),
            ("evil.exe. . .", "evil.exe"),
            (" \"evil.exe\" ", "evil.exe"),
            ("C:\\temp\\evil.exe", "evil.exe"),
            ("../../evil.exe", "evil.exe"),
            ("dir/evil.exe/", "evil.exe"),
            ("evil.exe::$DATA", "evil.exe"),
            ("=?utf-8?Q?evil.exe=00.txt?=", "evil.exe"),
            ("=?utf-8?Q?evil=00.exe?=", "evil.exe"),
            ("ev\u{200b}il.e\u{202e}xe", "evil.exe"),
            ("evil\u{ff0e}\u{ff45}xe", "evil.exe"),
            ("=?utf-8?Q?evil=2Eexe?=", "evil.exe"),
            ("=?utf-8?B?ZXZpbC5leGU?=", "evil.exe"),
            ("=?utf-8?B?ZXZpb?= =?utf-8?B?C5leGU=?=", "evil.exe"),
            ("=?utf-8?Q?evil .exe?=", "evil.exe"),
            ("evil%2Eexe", "evil.exe"),
            ("evil%00.exe", "evil.exe"),
            ("=?iso-2022-kr?Q?evil.exe?=", "evil.exe"),
            ("=?utf-16be?B?AGUAdgBpAGwALgBlAHgAZQ==?=", "evil.exe"),
            ("=?cp932?Q?evil=2Eexe?=", "evil.exe"),
            ("=?unknown-8bit?Q?evil=2Eexe?=", "evil.exe"),
            ("=?utf-7?Q?evil+AC4-exe?=", "evil.exe"),
            ("=?utf-8?Q?evil=252Eexe?=", "evil.exe"),
            ("utf-8''%3D?utf-8?Q?evil%2Eexe?=", "evil.exe"),
            ("%3D%3Futf-8%3FQ%3Fevil.exe%3F%3D", "evil.exe"),
            ("=?utf-8?Q?=3D=3Futf-8=3FQ=3Fevil.exe=3F=3D?=", "evil.exe"),
            ("=?utf-8?B?ZXZpbC5leGU=", "evil.exe"),
            ("=? utf-8 ?Q?evil.exe?=", "evil.exe"),
        ] {
            let mut found = Vec::new();
            let is_clear = of_parameter(&[value.into()], &mut found);
            assert!(
                is_clear && found.iter().any(|one| one == name),
                "{value:?}: {found:?}"
            );
        }
    }

    #[test]
    fn a_harmless_name_stays_one() {
        let mut found = Vec::new();
        for name in ["Bericht.exe.pdf", "Grüße.txt", "100% =? sure.txt"] {
            assert!(of_parameter(&[name.into()], &mut found), "{name}");
        }
        assert_eq!(
            found[..3],
            ["Bericht.exe.pdf", "Grüße.txt", "100% =? sure.txt"]
        );
    }

    #[test]
    fn what_cannot_be_decoded_is_unclear() {
        for value in [
            "=?x-secret?Q?a.txt?=",
            "=?hz-gb-2312?Q?a.txt?=",
            "=?utf-16?B?AGEALgB0AHgAdA==?=",
            "=?utf-16le?B?/v8AZQB2AGkAbAAuAGUAeABl?=",
            "=?utf-8?Q?=FF=FEa=00?=",
            "=?utf-32?Q?a.txt?=",
            "=?cp037?Q?a.txt?=",
            "=?utf-8?X?a.txt?=",
            "=??Q?a.txt?=",
            "=?utf-8?Q?=3D=3Fx-secret=3FQ=3Fa.txt=3F=3D?=",
            "%2525252525252541.txt",
        ] {
            assert!(!of_parameter(&[value.into()], &mut Vec::new()), "{value}");
        }
    }
}
