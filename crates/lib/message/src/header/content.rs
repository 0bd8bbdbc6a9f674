//! Content-Type, Content-Disposition and Content-Language (RFC 2045 §5, RFC 2183, RFC 3282) with
//! parameters as RFC 2231 extends them.

use super::{Token, Tokens};

/// Maximum number of parameters in one field; more are ignored.
const MAX_PARAMETERS: usize = 100;

/// A parameter. Continuations (RFC 2231 §3) are joined; an extended value stays
/// percent-encoded, and its name ends in `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Name as written.
    pub name: Vec<u8>,
    /// Value, unquoted.
    pub value: Vec<u8>,
}

/// A media type with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// Type as written.
    pub kind: Vec<u8>,
    /// Subtype as written.
    pub subtype: Vec<u8>,
    /// Parameters in their order.
    pub parameters: Vec<Parameter>,
}

impl MediaType {
    /// The default of RFC 2045 §5.2.
    #[must_use]
    pub fn plain() -> Self {
        Self::of(b"text", b"plain")
    }

    pub(crate) fn of(kind: &[u8], subtype: &[u8]) -> Self {
        Self {
            kind: kind.to_vec(),
            subtype: subtype.to_vec(),
            parameters: Vec::new(),
        }
    }

    /// Whether it is of this type and of this subtype (`*`: any).
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind.as_bytes())
            && (subtype == "*" || self.subtype.eq_ignore_ascii_case(subtype.as_bytes()))
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&[u8]> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|parameter| parameter.value.as_slice())
    }
}

/// A content disposition with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    /// `inline`, `attachment`, … as written.
    pub kind: Vec<u8>,
    /// Parameters in their order.
    pub parameters: Vec<Parameter>,
}

/// Parses a Content-Type; `None` without type and subtype.
#[must_use]
pub fn media_type(value: &[u8]) -> Option<MediaType> {
    let mut tokens = Tokens::of_mime(value);
    let Token::Atom(kind) = next(&mut tokens)? else {
        return None;
    };
    let Token::Special(b'/') = next(&mut tokens)? else {
        return None;
    };
    let Token::Atom(subtype) = next(&mut tokens)? else {
        return None;
    };
    Some(MediaType {
        kind: kind.to_vec(),
        subtype: subtype.to_vec(),
        parameters: parameters(&mut tokens),
    })
}

/// Parses a Content-Disposition.
#[must_use]
pub fn disposition(value: &[u8]) -> Option<Disposition> {
    let mut tokens = Tokens::of_mime(value);
    let kind = match next(&mut tokens)? {
        Token::Atom(kind) => kind.to_vec(),
        Token::Quoted(kind) => kind,
        _ => return None,
    };
    Some(Disposition {
        kind,
        parameters: parameters(&mut tokens),
    })
}

/// Parses a Content-Language.
#[must_use]
pub fn languages(value: &[u8]) -> Vec<Vec<u8>> {
    let mut tokens = Tokens::of_mime(value);
    let mut found = Vec::new();
    while let Some(token) = next(&mut tokens) {
        match token {
            Token::Atom(tag) => found.push(tag.to_vec()),
            Token::Quoted(tag) => found.push(tag),
            _ => {}
        }
    }
    found
}

/// The next token other than a comment.
fn next<'a>(tokens: &mut Tokens<'a>) -> Option<Token<'a>> {
    loop {
        match tokens.next_spaced()?.1 {
            Token::Comment(_) => {}
            token => return Some(token),
        }
    }
}

fn parameters(tokens: &mut Tokens<'_>) -> Vec<Parameter> {
    let mut found = Vec::new();
    while let Some(token) = next(tokens)
        && found.len() < MAX_PARAMETERS
    {
        let Token::Atom(name) = token else { continue };
        let mut ahead = tokens.clone();
        if next(&mut ahead) != Some(Token::Special(b'=')) {
            continue;
        }
        *tokens = ahead;
        found.push(Parameter {
            name: name.to_vec(),
            value: value(name, tokens),
        });
    }
    join_continuations(found)
}

/// A parameter's value. Unquoted values with white space or specials, common in file names, extend to the
/// next semicolon.
fn value(name: &[u8], tokens: &mut Tokens<'_>) -> Vec<u8> {
    let mut ahead = tokens.clone();
    if let Some(Token::Quoted(content)) = next(&mut ahead) {
        *tokens = ahead;
        return content;
    }
    // Leading brackets in names are usually part of the value, not a comment.
    if name.eq_ignore_ascii_case(b"boundary") {
        tokens.skip_comments();
    }
    let raw = super::unfold(tokens.take_until_semicolon()).into_owned();
    // `us-ascii (a comment)`
    match memchr::memchr(b'(', &raw) {
        Some(at) if raw.ends_with(b")") => raw[..at].trim_ascii_end().to_vec(),
        _ => raw,
    }
}

/// Joins `name*0`, `name*1*`, … (RFC 2231 §3) in the order of their numbers, at the position of the first.
fn join_continuations(found: Vec<Parameter>) -> Vec<Parameter> {
    if !found.iter().any(|one| section(&one.name).is_some()) {
        return found;
    }
    let mut joined: Vec<Parameter> = Vec::new();
    let mut done: Vec<Vec<u8>> = Vec::new();
    for one in &found {
        let Some((base, _, _)) = section(&one.name) else {
            joined.push(one.clone());
            continue;
        };
        if done.iter().any(|name| name.eq_ignore_ascii_case(base)) {
            continue;
        }
        done.push(base.to_vec());
        joined.push(join(base, &found));
    }
    joined
}

fn join(base: &[u8], found: &[Parameter]) -> Parameter {
    let mut pieces: Vec<(u32, bool, &[u8])> = found
        .iter()
        .filter_map(|one| {
            let (name, number, extended) = section(&one.name)?;
            name.eq_ignore_ascii_case(base)
                .then_some((number, extended, one.value.as_slice()))
        })
        .collect();
    pieces.sort_by_key(|piece| piece.0);
    let extended = pieces.iter().any(|piece| piece.1);
    let mut name = base.to_vec();
    if extended {
        name.push(b'*');
    }
    let mut value = Vec::new();
    for (_, piece_extended, piece) in pieces {
        if extended && !piece_extended {
            percent_encode(piece, &mut value);
        } else {
            value.extend_from_slice(piece);
        }
    }
    Parameter { name, value }
}

/// Encodes a plain section among extended ones, so that the whole has one form.
fn percent_encode(piece: &[u8], into: &mut Vec<u8>) {
    for &byte in piece {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`{}~".contains(&byte) {
            into.push(byte);
        } else {
            into.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
}

/// `name*2*` → (`name`, 2, extended).
fn section(name: &[u8]) -> Option<(&[u8], u32, bool)> {
    let (name, extended) = match name.strip_suffix(b"*") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let star = memchr::memrchr(b'*', name)?;
    let digits = std::str::from_utf8(&name[star + 1..]).ok()?;
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((&name[..star], digits.parse().ok()?, extended))
}
