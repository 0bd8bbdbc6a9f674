//! Domain names and address literals.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::values::error::AddressError;
use crate::values::parsed::parsed;

/// A domain name as mail uses it: lower-case A-labels (RFC 5890), no trailing dot.
///
/// Underscores are accepted, since host names of senders contain them; otherwise letters, digits and
/// hyphens.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(Arc<str>);

impl Domain {
    /// Parses a domain name, internationalized or not.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let name = Self::of_a_host(text)?;
        if name.0.split('.').any(|label| label.ends_with('-')) {
            return Err(MISPLACED_HYPHEN);
        }
        Ok(name)
    }

    /// A domain name within an address. The factory names of some devices end with a hyphen
    /// (`canon-.local`), which no host name may.
    fn of_a_host(text: &str) -> Result<Self, AddressError> {
        let ascii = to_a_labels(text)?;
        check_labels(&ascii)?;
        Ok(Self(ascii.into()))
    }

    /// The name in A-labels.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name for display, with U-labels if they are valid.
    pub fn to_unicode(&self) -> String {
        let (text, result) = idna::domain_to_unicode(&self.0);
        match result {
            Ok(()) => text,
            Err(_) => self.0.to_string(),
        }
    }
}

const MISPLACED_HYPHEN: AddressError =
    AddressError("a label of the domain begins or ends with a hyphen");

/// Plain ASCII names without A-labels are by far the most frequent, and skip the Unicode tables.
fn to_a_labels(text: &str) -> Result<Cow<'_, str>, AddressError> {
    let lower = if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    };
    if lower.is_ascii() && !lower.contains("xn--") {
        return Ok(lower);
    }
    idna::domain_to_ascii(&lower)
        .map(Cow::Owned)
        .map_err(|_| AddressError("the domain is not a valid internationalized name"))
}

fn check_labels(ascii: &str) -> Result<(), AddressError> {
    if ascii.is_empty() {
        return Err(AddressError("the domain is empty"));
    }
    // RFC 1035 §2.3.4: 255 octets on the wire are 253 in this notation.
    if ascii.len() > 253 {
        return Err(AddressError("the domain is longer than 253 octets"));
    }
    for label in ascii.split('.') {
        if label.is_empty() {
            return Err(AddressError("the domain has an empty label"));
        }
        if label.len() > 63 {
            return Err(AddressError("the domain has a label longer than 63 octets"));
        }
        if !label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        {
            return Err(AddressError(
                "the domain has a character that is not allowed",
            ));
        }
        if label.starts_with('-') {
            return Err(MISPLACED_HYPHEN);
        }
    }
    // RFC 3696 §2: no top-level domain is all digits, so this is an IP address without brackets.
    if let Some(last) = ascii.rsplit('.').next()
        && last.bytes().all(|b| b.is_ascii_digit())
    {
        return Err(AddressError("an IP address must be written in brackets"));
    }
    Ok(())
}

impl FromStr for Domain {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Borrow<str> for Domain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Domain {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Domain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl Serialize for Domain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The part after the `@`: a domain, or an address literal (RFC 5321 §4.1.3).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Host {
    /// A domain name.
    Domain(Domain),
    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    Literal(IpAddr),
}

impl Host {
    /// Parses a domain name or an address literal.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let Some(inner) = text.strip_prefix('[') else {
            return Domain::of_a_host(text).map(Self::Domain);
        };
        let inner = inner
            .strip_suffix(']')
            .ok_or(AddressError("an address literal must end with `]`"))?;
        let wrong = AddressError("the address literal is not an IP address");
        let v6 = match inner.get(..5) {
            Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => inner.get(5..),
            _ => None,
        };
        let address = match v6 {
            Some(v6) => v6.parse::<Ipv6Addr>().map(IpAddr::from),
            None => inner.parse::<Ipv4Addr>().map(IpAddr::from),
        };
        address.map(Self::Literal).map_err(|_| wrong)
    }

    /// Parses what clients write and can mean one thing only: a domain with a final dot, and an address
    /// literal without its brackets or without its tag (`192.0.2.1`, `[2001:db8::1]`).
    pub fn parse_written(text: &str) -> Result<Self, AddressError> {
        let text = match text.strip_suffix('.') {
            Some(name) if !name.ends_with('.') => name,
            _ => text,
        };
        let inner = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        match inner.unwrap_or(text).parse() {
            Ok(address) => Ok(Self::Literal(address)),
            Err(_) => Self::parse(text),
        }
    }

    /// The domain name, unless this is an address literal.
    pub fn domain(&self) -> Option<&Domain> {
        match self {
            Self::Domain(domain) => Some(domain),
            Self::Literal(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Literal(IpAddr::V4(v4)) => write!(f, "[{v4}]"),
            Self::Literal(IpAddr::V6(v6)) => write!(f, "[IPv6:{v6}]"),
        }
    }
}

impl Serialize for Host {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
