//! All readings of a part's header section by any client.

use memchr::{memchr, memmem};

use super::encodings::Encodings;
use super::names;
use super::parameters::{Given, Parameters};
use super::words::{lower, next};
use crate::header::{Field, Token, Tokens, fields};

/// Maximum number of inspected Content-… fields of a header.
const MAX_FIELDS: usize = 50;
/// Maximum number of names of a part.
pub(super) const MAX_NAMES: usize = 200;

/// The readings of a header section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartHeader {
    /// All declared types, in lower case.
    pub(super) types: Vec<String>,
    /// All declared names, in every spelling.
    pub(super) names: Vec<String>,
    pub(super) encodings: Encodings,
    pub(super) boundaries: Vec<Vec<u8>>,
    /// The last given boundary.
    boundary: Option<Given>,
    /// The boundary is given in several ways, or in one that clients read differently.
    has_odd_boundary: bool,
    pub(super) is_multipart: bool,
    pub(super) is_digest: bool,
    pub(super) is_signed: bool,
    /// The body is a message with its own header section.
    pub(super) is_message: bool,
    /// The reason why the part cannot be classified.
    pub(super) unclear: Option<&'static str>,
    /// The reason why its body cannot be, if it has one.
    pub(super) unclear_body: Option<&'static str>,
}

impl PartHeader {
    pub(super) fn read(raw: &[u8], in_digest: bool) -> Self {
        let mut header = Self::default();
        if memchr(0, raw).is_some() {
            // RFC 5322 §4 forbids it; clients truncate, repair or keep the field.
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
        if header.is_multipart && header.has_odd_boundary {
            let reason = "a multipart has a boundary that can be read in several ways";
            header.unclear_body = Some(reason);
        }
        // The parts of a multipart and of a message are found without decoding.
        if header.encodings.unknown || header.encodings.uuencode && header.is_composite() {
            header.unclear_body = Some("a part has a transfer encoding that is not known");
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
            self.take_names(&parameters, ["name", "filename"]);
            self.take_boundaries(&parameters);
        } else if field.is("Content-Disposition") {
            let parameters = Parameters::read(field.value);
            self.take_names(&parameters, ["filename", "name"]);
        } else if field.is("Content-Location") {
            names::of_text(&crate::decode::unstructured(field.value), &mut self.names);
        } else if field.is("Content-Transfer-Encoding") {
            self.encodings.take(field.value);
        }
    }

    fn take_names(&mut self, parameters: &Parameters, wanted: [&str; 2]) {
        for wanted in wanted {
            if !parameters.names(wanted, &mut self.names) {
                self.unclear = Some(names::UNCLEAR);
            }
        }
    }

    fn take_boundaries(&mut self, parameters: &Parameters) {
        for given in parameters.given("boundary") {
            self.has_odd_boundary |= self.boundary.as_ref().is_some_and(|known| *known != given);
            self.boundary = Some(given);
        }
        for boundary in parameters.octets("boundary") {
            // Some clients remove leading blanks, or an encoding that may not occur here.
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
            // RFC 2046 §5.2.2: only the client sees the whole.
            self.unclear = Some("it is a piece of a message (message/partial)");
        }
        if !self.types.contains(&media_type) {
            self.types.push(media_type);
        }
    }

    /// Whether clients look for uuencoded files in it, as in plain text.
    pub(super) fn is_text(&self) -> bool {
        self.types.is_empty() || self.types.iter().any(|one| one.starts_with("text/"))
    }

    /// Whether it contains parts.
    pub(super) fn is_composite(&self) -> bool {
        self.is_multipart || self.is_message
    }

    /// Whether its name is that of a file that clients open as a message, whatever its type.
    pub(super) fn is_file_of_message(&self) -> bool {
        self.names.iter().any(|name| {
            let name = name.to_lowercase();
            [".eml", ".mht", ".mhtml"]
                .iter()
                .any(|ending| name.ends_with(ending))
        })
    }

    /// The first name, for display.
    pub(super) fn shown_name(&self) -> String {
        self.names.first().cloned().unwrap_or_default()
    }
}

/// The first `type/subtype` of the value.
fn media_type(value: &[u8]) -> Option<String> {
    let mut tokens = Tokens::of_mime(value);
    let mut last: Option<String> = None;
    loop {
        match next(&mut tokens)? {
            Token::Atom(word) => last = Some(lower(word)),
            Token::Quoted(word) => {
                // Also `"text/html"` in quotes.
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
