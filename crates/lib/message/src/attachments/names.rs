//! The spellings of a file's name that the file may end up with on somebody's disk.

use std::borrow::Cow;

use memchr::memmem;
use unicode_normalization::UnicodeNormalization as _;

use crate::decode;

/// The readings of a parameter's value: plain, with encoded words (which RFC 2047 §5 forbids there
/// and many senders write), and percent-encoded without saying so.
pub(super) fn of_parameter(value: &[u8], into: &mut Vec<String>) {
    of_text(&decode::unstructured(value), into);
    if memmem::find(value, b"=?").is_some() {
        // Some senders leave white space within a word, others cut a word anywhere.
        let dense: Vec<u8> = value
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        of_text(&decode::unstructured(&dense), into);
        of_text(&decode::unstructured(&joined_words(&dense)), into);
    }
    if value.contains(&b'%') {
        of_text(&decode::extended(value), into);
    }
}

/// Encoded words in a row as one: without the `?==?charset?B?` between them.
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
    // Some programs end a name at a NUL, others pass over it.
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

/// Without what is not seen, in the form that compares equal (NFKC).
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
    c.is_control()
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
        ] {
            let mut found = Vec::new();
            of_parameter(value.as_bytes(), &mut found);
            assert!(found.iter().any(|one| one == name), "{value:?}: {found:?}");
        }
    }

    #[test]
    fn a_harmless_name_stays_one() {
        let mut found = Vec::new();
        of_parameter("Bericht.exe.pdf".as_bytes(), &mut found);
        of_parameter("Grüße.txt".as_bytes(), &mut found);
        assert_eq!(found, ["Bericht.exe.pdf", "Grüße.txt"]);
    }
}
