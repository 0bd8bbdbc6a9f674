//! The parameters of a Content-Type or Content-Disposition, in all possible readings.

use std::collections::HashSet;

use memchr::memchr;

use super::header::MAX_NAMES;
use super::names;
use super::sections::Sections;
use super::words::{lower, next};
use crate::decode;
use crate::header::{Token, Tokens, unfold};

/// A parameter as given: a repetition must be equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Plain(Vec<u8>),
    Extended,
    Sections,
    Twice,
}

/// Everything in a field that looks like a parameter.
pub(super) struct Parameters {
    pub(super) all: Vec<Written>,
    /// Nothing beyond the inspected part.
    is_whole: bool,
}

/// Unclosed quotes and brackets of a field: after each of them it is parsed once more.
const MAX_UNCLOSED: usize = 8;

/// `name=value` as written.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Written {
    /// In lower case, with the stars of RFC 2231.
    pub(super) name: String,
    /// The readings of the value.
    pub(super) values: Vec<Vec<u8>>,
    /// Readings of clients that are strict about tokens or lenient about quotes: for names only.
    pub(super) loose: Vec<Vec<u8>>,
}

impl Parameters {
    /// Strict readers take everything after an unclosed quote as its text. Lenient ones end it at the next
    /// `;`.
    pub(super) fn read(value: &[u8]) -> Self {
        let mut all: Vec<Written> = Vec::new();
        let mut rest = Some(value);
        for _ in 0..=MAX_UNCLOSED {
            let Some(text) = rest else { break };
            let (read, unclosed) = read_from(text);
            let known: HashSet<&Written> = all.iter().collect();
            let is_new = |one: &Written| !known.contains(one);
            let new: Vec<Written> = read.into_iter().filter(is_new).collect();
            all.extend(new);
            rest = unclosed.and_then(|text| Some(&text[memchr(b';', text)?..]));
        }
        let is_whole = rest.is_none();
        Self { all, is_whole }
    }

    /// The given forms of a parameter.
    pub(super) fn given(&self, wanted: &str) -> Vec<Given> {
        let mut numbers = HashSet::new();
        let mut found = Vec::new();
        for one in &self.all {
            let Some(rest) = one.name.strip_prefix(wanted) else {
                continue;
            };
            let given = match rest {
                "" => Given::Plain(one.values.first().cloned().unwrap_or_default()),
                "*" => Given::Extended,
                _ if rest.starts_with('*') => {
                    let number = rest.trim_matches('*').parse::<u64>().ok();
                    if !numbers.insert(number) {
                        found.push(Given::Twice);
                    }
                    Given::Sections
                }
                _ => continue,
            };
            found.push(given);
        }
        found
    }

    /// The values of a parameter whose octets matter.
    pub(super) fn octets(&self, wanted: &str) -> Vec<Vec<u8>> {
        let plain = self.all.iter().filter(|one| one.name == wanted);
        let mut found: Vec<Vec<u8>> = plain.flat_map(|one| one.values.clone()).collect();
        for joined in Sections::of(self, wanted, false)
            .joined()
            .unwrap_or_default()
        {
            found.push(if joined.is_extended() {
                decode::extended(&joined.octets()).into_bytes()
            } else {
                joined.octets()
            });
        }
        for value in &mut found {
            value.truncate(value.trim_ascii_end().len());
        }
        found
    }

    /// The values of a parameter that names a file. False if another name is possible too.
    #[must_use]
    pub(super) fn names(&self, wanted: &str, into: &mut Vec<String>) -> bool {
        let mut is_clear = self.is_whole;
        for one in &self.all {
            if into.len() > MAX_NAMES {
                return false;
            }
            if one.name == wanted {
                for value in one.values.iter().chain(&one.loose) {
                    is_clear &= names::of_parameter(std::slice::from_ref(value), into);
                }
            } else if one.name.strip_suffix('*') == Some(wanted) {
                for value in one.values.iter().chain(&one.loose) {
                    let decoded = decode::extended(value).into_bytes();
                    is_clear &= !decode::is_of_unknown_charset(value);
                    is_clear &= names::of_parameter(&[decoded, value.clone()], into);
                }
            }
        }
        let Some(all) = Sections::of(self, wanted, true).joined() else {
            return false;
        };
        for joined in all {
            is_clear &= joined.is_of_known_charset();
            is_clear &= names::of_parameter(&joined.readings(), into);
        }
        is_clear
    }
}

/// The parameters of a text, and its rest from the first unclosed quote.
fn read_from(text: &[u8]) -> (Vec<Written>, Option<&[u8]>) {
    let mut tokens = Tokens::of_mime(text);
    let mut found = Vec::new();
    let mut odd = None;
    while let Some(token) = next(&mut tokens) {
        let name = match token {
            Token::Atom(name) => lower(name),
            Token::Quoted(name) => lower(&name),
            _ => continue,
        };
        let mut ahead = tokens.clone();
        if next(&mut ahead) != Some(Token::Special(b'=')) {
            continue;
        }
        let before = ahead.rest();
        let mut loose = Vec::new();
        let values = readings(&mut ahead, &mut loose);
        // `x="; filename="a.exe"`: possibly the second quote is unclosed.
        let mut behind = ahead.clone();
        behind.take_until_semicolon();
        let written = &before[..before.len() - behind.rest().len()];
        if written.iter().filter(|octet| **octet == b'"').count() % 2 == 1 {
            odd.get_or_insert(before);
        }
        tokens = ahead;
        found.push(Written {
            name,
            values,
            loose,
        });
    }
    let first = odd.into_iter().chain(tokens.unclosed());
    (found, first.max_by_key(|text| text.len()))
}

/// The readings of a parameter's value by different clients.
fn readings(tokens: &mut Tokens<'_>, loose: &mut Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut ahead = tokens.clone();
    let mut values = Vec::new();
    if let Some(Token::Quoted(content)) = next(&mut ahead) {
        let whole = tokens.rest();
        let written = &whole[..whole.len() - ahead.rest().len()];
        if written.contains(&b'\\') {
            // For some clients a backslash is literal.
            let written = unfold(written);
            values.push(
                written
                    .split(|&b| b == b'"')
                    .nth(1)
                    .unwrap_or_default()
                    .to_vec(),
            );
        }
        *tokens = ahead;
        // `"evil".exe`: for some clients the value continues after the quotes.
        let behind = unfold(tokens.clone().take_until_semicolon()).into_owned();
        if !behind.is_empty() {
            loose.push([content.as_slice(), &behind].concat());
        }
        // An unclosed quote includes the following parameters.
        if let Some(at) = memchr(b';', &content) {
            values.push(content[..at].to_vec());
        }
        values.insert(0, content);
        return values;
    }
    // A comment may precede the value; in names such text is often no comment.
    let whole = unfold(tokens.clone().take_until_semicolon()).into_owned();
    if tokens.skip_comments() {
        values.push(whole);
    }
    let mut values = [unquoted(tokens, loose), values].concat();
    values.dedup();
    values
}

fn unquoted(tokens: &mut Tokens<'_>, loose: &mut Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    let raw = unfold(tokens.take_until_semicolon()).into_owned();
    if let Some(at) = memchr(b'(', &raw).filter(|_| raw.ends_with(b")")) {
        values.push(raw[..at].trim_ascii_end().to_vec());
    }
    if let Some(at) = raw.iter().position(u8::is_ascii_whitespace) {
        values.push(raw[..at].to_vec());
    }
    // The end of a token (RFC 2045 §5.1).
    if let Some(at) = raw
        .iter()
        .position(|octet| b"()<>@,;:\\\"[]?=".contains(octet))
        && at > 0
    {
        loose.push(raw[..at].to_vec());
    }
    // Quotes within an unquoted value.
    if memchr(b'"', &raw).is_some() {
        loose.push(raw.iter().copied().filter(|octet| *octet != b'"').collect());
    }
    // `filename=a;b.exe` without the required quotes.
    let rest = tokens.rest();
    if !rest.is_empty() && memchr(b'=', rest).is_none() {
        values.push([raw.as_slice(), &unfold(rest)].concat());
    }
    values.push(raw);
    values
}
