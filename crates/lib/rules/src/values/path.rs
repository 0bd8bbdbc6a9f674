//! The paths of MAIL FROM and RCPT TO.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::values::address::{EmailAddress, is_dot_string};
use crate::values::domain::Host;
use crate::values::error::AddressError;
use crate::values::parsed::parsed;

/// The destination of failure notices: an address, or none (`<>`).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ReversePath {
    /// `<>`: the message is itself a notice.
    Null,
    /// An address.
    Address(EmailAddress),
}

impl ReversePath {
    /// Parses a reverse-path as clients write it ([`EmailAddress::parse_written`]), with or without angle
    /// brackets; a source route is dropped.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        match without_brackets(text)? {
            "" => Ok(Self::Null),
            path => EmailAddress::parse_written(without_source_route(path)?).map(Self::Address),
        }
    }

    /// The address, where there is one.
    pub fn address(&self) -> Option<&EmailAddress> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }

    /// Whether this is `<>`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl FromStr for ReversePath {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl From<EmailAddress> for ReversePath {
    fn from(address: EmailAddress) -> Self {
        Self::Address(address)
    }
}

/// Without angle brackets; empty for the null reverse-path, as stored in the queue.
impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for ReversePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl Serialize for ReversePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A recipient in RCPT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ForwardPath {
    /// An address.
    Address(EmailAddress),
    /// `<Postmaster>` without a domain, which every server must accept (RFC 5321 §4.5.1).
    Postmaster,
}

impl ForwardPath {
    /// Parses a forward-path as clients write it ([`EmailAddress::parse_written`]), with or without angle
    /// brackets.
    ///
    /// A source route (`@a,@b:user@c`) is dropped, and only the address after it counts (RFC 5321 §3.6.1):
    /// no route bypasses the relay rule.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let path = without_source_route(without_brackets(text)?)?;
        if path.eq_ignore_ascii_case("postmaster") {
            return Ok(Self::Postmaster);
        }
        EmailAddress::parse_written(path).map(Self::Address)
    }

    /// Whether a text is `<Postmaster>` without a domain.
    pub fn is_postmaster(text: &str) -> bool {
        Self::parse(text) == Ok(Self::Postmaster)
    }
}

/// The content of a path that is a local part alone, such as `<root>`.
pub fn local_part_alone(path: &str) -> Option<&str> {
    let local = without_source_route(without_brackets(path).ok()?).ok()?;
    let alone = is_dot_string(local) && !ForwardPath::is_postmaster(local);
    alone.then_some(local)
}

/// The path within what only leniently treated clients write around it: a display name, blanks within the
/// brackets, or one bracket alone. `None` if there is nothing of the kind.
///
/// smtp-protocol finds it in commands in the same way (`path/extent.rs`).
pub fn path_within(text: &str) -> Option<&str> {
    let (name, path) = match opening(text) {
        Some(at) if is_display_name(&text[..at]) => text.split_at(at),
        _ => ("", text),
    };
    let inner = path.strip_prefix('<').unwrap_or(path);
    let inner = inner.strip_suffix('>').unwrap_or(inner);
    let trimmed = inner.trim_matches(' ');
    let whole = path.starts_with('<') == path.ends_with('>');
    let strict = name.is_empty() && whole && trimmed.len() == inner.len();
    (!strict && !trimmed.is_empty()).then_some(trimmed)
}

/// The first `<` outside a quoted string.
fn opening(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    text.bytes().position(|octet| {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        octet == b'<' && !quoted
    })
}

/// A display name holds nothing that might be an address, a list, a route or a parameter.
fn is_display_name(text: &str) -> bool {
    !text.contains(|c: char| "@=,:;<>".contains(c) || c.is_control())
}

fn without_brackets(text: &str) -> Result<&str, AddressError> {
    match text.strip_prefix('<') {
        None => Ok(text),
        Some(inner) => inner
            .strip_suffix('>')
            .ok_or(AddressError("the path has no closing `>`")),
    }
}

/// `A-d-l ":"` of RFC 5321 §4.1.2.
fn without_source_route(path: &str) -> Result<&str, AddressError> {
    if !path.starts_with('@') {
        return Ok(path);
    }
    let wrong = AddressError("the source route is malformed");
    let (mut route, mut rest) = path.split_once(':').ok_or(wrong.clone())?;
    // The colon of an IPv6 literal does not end the route.
    while route.rfind('[') > route.rfind(']') {
        let more = rest.find(':').ok_or(wrong.clone())?;
        route = &path[..route.len() + 1 + more];
        rest = &rest[more + 1..];
    }
    for hop in route.split(',') {
        let host = hop.strip_prefix('@').ok_or(wrong.clone())?;
        Host::parse(host)?;
    }
    Ok(rest)
}
