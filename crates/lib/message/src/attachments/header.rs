//! What a header section can be read to say about its part, by any client.

use memchr::{memchr, memmem};

use super::names;
use crate::header::{Field, Token, Tokens, fields, unfold};

/// Content-… fields of a header that are looked at.
const MAX_FIELDS: usize = 50;
/// Names of a part.
const MAX_NAMES: usize = 200;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartHeader {
    /// Every type that it declares, in lower case.
    pub(super) types: Vec<String>,
    /// Every name that it declares, in every spelling.
    pub(super) names: Vec<String>,
    pub(super) encodings: Encodings,
    pub(super) boundaries: Vec<Vec<u8>>,
    /// The boundary as it was given last.
    boundary: Option<Given>,
    /// It is given in several ways, or in one that is not read alike everywhere.
    has_odd_boundary: bool,
    pub(super) is_multipart: bool,
    pub(super) is_digest: bool,
    pub(super) is_signed: bool,
    /// Behind it a message begins, with a header section of its own.
    pub(super) is_message: bool,
    /// Why it cannot be told what the part is.
    pub(super) unclear: Option<&'static str>,
}

/// The transfer encodings under which a body can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Encodings {
    pub(super) base64: bool,
    pub(super) quoted_printable: bool,
    /// None, or one that says nothing to us.
    pub(super) other: bool,
    /// One that some client may know.
    unknown: bool,
}

/// A parameter as it is given: what of it must be the same when it is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Plain(Vec<u8>),
    Extended,
    Sections,
    Twice,
}

impl PartHeader {
    pub(super) fn read(raw: &[u8], in_digest: bool) -> Self {
        let mut header = Self::default();
        if memchr(0, raw).is_some() {
            // RFC 5322 §4 forbids it; clients cut, mend or keep the field.
            header.unclear = Some("a header section holds NUL");
        }
        let mut has_type = false;
        let mut looked_at = 0;
        for field in fields(raw) {
            if !field
                .name
                .get(..8)
                .is_some_and(|name| name.eq_ignore_ascii_case(b"content-"))
            {
                continue;
            }
            looked_at += 1;
            if looked_at > MAX_FIELDS {
                header.unclear = Some("a part has more Content fields than are looked at");
                break;
            }
            has_type |= field.is("Content-Type");
            header.take(&field);
        }
        if !has_type && in_digest {
            header.take_type("message/rfc822".to_owned());
        }
        if header.encodings == Encodings::default() {
            header.encodings.other = true;
        }
        if header.is_multipart && header.boundaries.is_empty() {
            header.unclear = Some("a multipart has no boundary");
        } else if header.is_multipart && header.has_odd_boundary {
            header.unclear = Some("a multipart has a boundary that can be read in several ways");
        }
        if header.encodings.unknown {
            header.unclear = Some("a part has a transfer encoding that is not known");
        }
        if header.names.len() > MAX_NAMES {
            header.unclear = Some("a part has more names than are looked at");
        }
        header
    }

    fn take(&mut self, field: &Field<'_>) {
        if field.is("Content-Type") {
            if let Some(media_type) = media_type(field.value) {
                self.take_type(media_type);
            }
            let parameters = Parameters::read(field.value);
            parameters.names("name", &mut self.names);
            parameters.names("filename", &mut self.names);
            self.take_boundaries(&parameters);
        } else if field.is("Content-Disposition") {
            let parameters = Parameters::read(field.value);
            parameters.names("filename", &mut self.names);
            parameters.names("name", &mut self.names);
        } else if field.is("Content-Location") {
            names::of_text(&crate::decode::unstructured(field.value), &mut self.names);
        } else if field.is("Content-Transfer-Encoding") {
            self.encodings.take(field.value);
        }
    }

    fn take_boundaries(&mut self, parameters: &Parameters) {
        for given in parameters.given("boundary") {
            self.has_odd_boundary |= self.boundary.as_ref().is_some_and(|known| *known != given);
            self.boundary = Some(given);
        }
        for boundary in parameters.octets("boundary") {
            // Some clients take away the blanks in front, or an encoding that may not be there.
            self.has_odd_boundary |= boundary.first().is_some_and(u8::is_ascii_whitespace)
                || memmem::find(&boundary, b"=?")
                    .is_some_and(|at| memmem::find(&boundary[at + 2..], b"?=").is_some());
            if !boundary.is_empty() && !self.boundaries.contains(&boundary) {
                self.boundaries.push(boundary);
            }
        }
    }

    fn take_type(&mut self, media_type: String) {
        self.is_multipart |= media_type.starts_with("multipart/");
        self.is_digest |= media_type == "multipart/digest";
        self.is_signed |= media_type == "multipart/signed";
        self.is_message |= matches!(
            media_type.as_str(),
            "message/rfc822" | "message/global" | "message/news"
        );
        if media_type == "message/partial" {
            // RFC 2046 §5.2.2: nobody but the client sees the whole.
            self.unclear = Some("it is a piece of a message (message/partial)");
        }
        if !self.types.contains(&media_type) {
            self.types.push(media_type);
        }
    }

    /// Clients look for uuencoded files in plain text.
    pub(super) fn is_text(&self) -> bool {
        self.types.is_empty() || self.types.iter().any(|one| one.starts_with("text/"))
    }

    /// What it holds are parts.
    pub(super) fn is_composite(&self) -> bool {
        self.is_multipart || self.is_message
    }

    /// By its name it is a file that clients open as a message, whatever its type.
    pub(super) fn is_file_of_message(&self) -> bool {
        self.names.iter().any(|name| {
            let name = name.to_lowercase();
            [".eml", ".mht", ".mhtml"]
                .iter()
                .any(|ending| name.ends_with(ending))
        })
    }

    /// The first name, for people.
    pub(super) fn shown_name(&self) -> String {
        self.names.first().cloned().unwrap_or_default()
    }
}

impl Encodings {
    /// Some client takes an encoding away.
    pub(super) fn any(self) -> bool {
        self.base64 || self.quoted_printable
    }

    fn take(&mut self, value: &[u8]) {
        let mut tokens = Tokens::of_mime(value);
        let mut words = Vec::new();
        while let Some(token) = next(&mut tokens) {
            match token {
                Token::Atom(word) => words.push(lower(word)),
                Token::Quoted(word) => words.push(lower(&word)),
                _ => {}
            }
        }
        let whole = unfold(value).to_ascii_lowercase();
        self.other |= !matches!(whole.as_slice(), b"base64" | b"quoted-printable");
        // In a comment, too: who does not know comments may find it there.
        let has = |word: &[u8]| memmem::find(&whole, word).is_some();
        self.base64 |= has(b"base64");
        self.quoted_printable |= has(b"quoted");
        self.unknown |= !is_none(&words.concat())
            && !words
                .iter()
                .all(|word| word.contains("base64") || word.contains("quoted") || is_none(word));
    }
}

/// Whether what stands for an encoding says that there is none, as the standard or as broken senders
/// do, who write charsets there.
fn is_none(word: &str) -> bool {
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
            | "usascii"
            | "utf8"
    ) || word.starts_with("iso8859")
        || word.starts_with("windows125")
}

/// The first `type/subtype` of the value.
fn media_type(value: &[u8]) -> Option<String> {
    let mut tokens = Tokens::of_mime(value);
    let mut last: Option<String> = None;
    loop {
        match next(&mut tokens)? {
            Token::Atom(word) => last = Some(lower(word)),
            Token::Quoted(word) => {
                // `"text/html"` in quotes, too.
                let word = lower(&word);
                if word.contains('/') {
                    return Some(word);
                }
                last = Some(word);
            }
            Token::Special(b'/') => {
                let kind = last.take()?;
                return match next(&mut tokens)? {
                    Token::Atom(subtype) => Some(format!("{kind}/{}", lower(subtype))),
                    Token::Quoted(subtype) => Some(format!("{kind}/{}", lower(&subtype))),
                    _ => None,
                };
            }
            Token::Special(b';') => return None,
            _ => {}
        }
    }
}

fn lower(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_lowercase()
}

fn next<'a>(tokens: &mut Tokens<'a>) -> Option<Token<'a>> {
    loop {
        match tokens.next_spaced()?.1 {
            Token::Comment(_) => {}
            token => return Some(token),
        }
    }
}

/// Everything in a field that has the look of a parameter.
struct Parameters(Vec<Written>);

/// `name=value` as it stands there.
struct Written {
    /// In lower case, with the stars of RFC 2231.
    name: String,
    /// The readings of the value.
    values: Vec<Vec<u8>>,
}

impl Parameters {
    fn read(value: &[u8]) -> Self {
        let mut tokens = Tokens::of_mime(value);
        let mut found = Vec::new();
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
            let values = readings(&mut ahead);
            tokens = ahead;
            found.push(Written { name, values });
        }
        Self(found)
    }

    /// The ways in which a parameter is given.
    fn given(&self, wanted: &str) -> Vec<Given> {
        let mut numbers = Vec::new();
        let mut found = Vec::new();
        for one in &self.0 {
            let Some(rest) = one.name.strip_prefix(wanted) else {
                continue;
            };
            let given = match rest {
                "" => Given::Plain(one.values.first().cloned().unwrap_or_default()),
                "*" => Given::Extended,
                _ if rest.starts_with('*') => {
                    let number = rest.trim_matches('*').parse::<u64>().ok();
                    if numbers.contains(&number) {
                        found.push(Given::Twice);
                    }
                    numbers.push(number);
                    Given::Sections
                }
                _ => continue,
            };
            found.push(given);
        }
        found
    }

    /// The values of a parameter of which octets matter.
    fn octets(&self, wanted: &str) -> Vec<Vec<u8>> {
        let plain = self.0.iter().filter(|one| one.name == wanted);
        let mut found: Vec<Vec<u8>> = plain.flat_map(|one| one.values.clone()).collect();
        if let Some((joined, extended)) = self.joined(wanted) {
            found.push(if extended {
                crate::decode::extended(&joined).into_bytes()
            } else {
                joined
            });
        }
        for value in &mut found {
            value.truncate(value.trim_ascii_end().len());
        }
        found
    }

    /// The values of a parameter that names a file.
    fn names(&self, wanted: &str, into: &mut Vec<String>) {
        for one in &self.0 {
            if into.len() > MAX_NAMES {
                return;
            }
            if one.name == wanted {
                for value in &one.values {
                    names::of_parameter(value, into);
                }
            } else if one.name.strip_suffix('*') == Some(wanted) {
                for value in &one.values {
                    names::of_text(&crate::decode::extended(value), into);
                }
            }
        }
        if let Some((joined, extended)) = self.joined(wanted) {
            if extended {
                names::of_text(&crate::decode::extended(&joined), into);
            } else {
                names::of_parameter(&joined, into);
            }
        }
    }

    /// Joins `name*0`, `name*1*`, … (RFC 2231 §3) by their numbers, whichever are missing; and
    /// whether any of them is percent-encoded.
    fn joined(&self, wanted: &str) -> Option<(Vec<u8>, bool)> {
        let mut sections: Vec<(u64, bool, &[u8])> = self
            .0
            .iter()
            .filter_map(|one| {
                let rest = one.name.strip_prefix(wanted)?.strip_prefix('*')?;
                let (digits, extended) = match rest.strip_suffix('*') {
                    Some(digits) => (digits, true),
                    None => (rest, false),
                };
                Some((
                    digits.parse().ok()?,
                    extended,
                    one.values.first()?.as_slice(),
                ))
            })
            .collect();
        if sections.is_empty() {
            return None;
        }
        sections.sort_by_key(|section| section.0);
        let extended = sections.iter().any(|section| section.1);
        let joined = sections.iter().flat_map(|section| section.2).copied();
        Some((joined.collect(), extended))
    }
}

/// What different clients read where a parameter's value stands.
fn readings(tokens: &mut Tokens<'_>) -> Vec<Vec<u8>> {
    let mut ahead = tokens.clone();
    let mut values = Vec::new();
    if let Some(Token::Quoted(content)) = next(&mut ahead) {
        let whole = tokens.rest();
        let written = &whole[..whole.len() - ahead.rest().len()];
        if written.contains(&b'\\') {
            // For some clients a backslash is one.
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
        // A quote that is never closed takes in the parameters behind it.
        if let Some(at) = memchr(b';', &content) {
            values.push(content[..at].to_vec());
        }
        values.insert(0, content);
        return values;
    }
    // A comment may stand before the value; in names that look so it often is none.
    let whole = unfold(tokens.clone().take_until_semicolon()).into_owned();
    if tokens.skip_comments() {
        values.push(whole);
    }
    let mut values = [unquoted(tokens), values].concat();
    values.dedup();
    values
}

fn unquoted(tokens: &mut Tokens<'_>) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    let raw = unfold(tokens.take_until_semicolon()).into_owned();
    if let Some(at) = memchr(b'(', &raw).filter(|_| raw.ends_with(b")")) {
        values.push(raw[..at].trim_ascii_end().to_vec());
    }
    if let Some(at) = raw.iter().position(u8::is_ascii_whitespace) {
        values.push(raw[..at].to_vec());
    }
    // `filename=a;b.exe` where the quotes are missing.
    let rest = tokens.rest();
    if !rest.is_empty() && memchr(b'=', rest).is_none() {
        values.push([raw.as_slice(), &unfold(rest)].concat());
    }
    values.push(raw);
    values
}
