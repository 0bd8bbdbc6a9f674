//! Mailbox addresses (RFC 5321 §4.1.2, RFC 6531 §3.3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization as _;

use crate::values::domain::{Domain, Host};
use crate::values::error::AddressError;
use crate::values::parsed::parsed;

/// Longer than the 64 octets that RFC 5321 §4.5.3.1.1 requires, since VERP and SRS encode whole addresses
/// in local parts.
const MAX_LOCAL: usize = 255;

/// `local-part@domain`.
///
/// The local part is kept unquoted: `"bob"@x` and `bob@x` are equal, and `"a b"@x` is written with quotes
/// again. Its case is kept; users are compared by [`EmailAddress::folded`]. A `%`, `!` or quoted `@` in it
/// has no meaning here: it is part of the name, never a route.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    local: String,
    host: Host,
}

impl EmailAddress {
    /// Parses `local-part@domain` without angle brackets and without source route.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (local, host) = split(text)?;
        if !text.starts_with('"') && has_misplaced_dot(&local) {
            return Err(AddressError(MISPLACED_DOT));
        }
        Ok(Self {
            local,
            host: Host::parse(host)?,
        })
    }

    /// Parses an address as clients write it. Unambiguous deviations are accepted from every SMTP client,
    /// `lenient` or not: misplaced dots in the local part (`a..b@`, `a.@`), and those of
    /// [`Host::parse_written`].
    pub fn parse_written(text: &str) -> Result<Self, AddressError> {
        let (local, host) = split(text)?;
        Ok(Self {
            local,
            host: Host::parse_written(host)?,
        })
    }

    /// An address from a local part as written in a policy, and a domain.
    pub fn new(text: &str, domain: Domain) -> Result<Self, AddressError> {
        let (local, rest) = split_local(text)?;
        if !rest.is_empty() {
            return Err(AddressError(MUST_BE_QUOTED));
        }
        if !text.starts_with('"') && has_misplaced_dot(&local) {
            return Err(AddressError(MISPLACED_DOT));
        }
        Ok(Self {
            local,
            host: Host::Domain(domain),
        })
    }

    /// An address from an unquoted local part, as header fields give it, and the part after the `@`.
    pub fn of_unquoted(local: &str, host: Host) -> Result<Self, AddressError> {
        if local.is_empty() {
            return Err(AddressError("the local part is empty"));
        }
        if local.len() > MAX_LOCAL {
            return Err(AddressError("the local part is longer than 255 octets"));
        }
        if !local.chars().all(is_printable) {
            return Err(AddressError("the local part has a control character"));
        }
        Ok(Self {
            local: local.to_owned(),
            host,
        })
    }

    /// The local part without quotes.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the `@`.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The domain, unless it is an address literal.
    pub fn domain(&self) -> Option<&Domain> {
        self.host.domain()
    }

    /// The same address with the local part in lower case: the name of a user.
    pub fn folded(&self) -> Self {
        Self {
            local: self.local.to_lowercase(),
            host: self.host.clone(),
        }
    }

    /// The same local part, in lower case, at another domain.
    pub(crate) fn folded_at(&self, domain: &Domain) -> Self {
        Self {
            local: self.local.to_lowercase(),
            host: Host::Domain(domain.clone()),
        }
    }

    /// Whether a later server might interpret the local part as a route (`user%elsewhere@here`,
    /// `elsewhere!user@here`, `"user@elsewhere"@here`). A server that normalizes the name first (NFKC)
    /// might too: a fullwidth `％` becomes a `%`.
    pub fn looks_routed(&self) -> bool {
        let routes = |c: char| matches!(c, '%' | '!' | '@' | ':' | ',');
        if self.local.is_ascii() {
            return self.local.contains(routes);
        }
        self.local.nfkc().any(routes)
    }

    /// Whether this address needs SMTPUTF8 (RFC 6531).
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }
}

const MISPLACED_DOT: &str =
    "the local part has a dot at its start or end, or two in a row: that needs quotes";

const MUST_BE_QUOTED: &str = "the local part has a character that must be quoted";

/// The local part without quotes, with any dots, and the part after the `@`.
fn split(text: &str) -> Result<(String, &str), AddressError> {
    let (local, rest) = split_local(text)?;
    let host = rest.strip_prefix('@').ok_or(AddressError(
        if rest.contains('@') && !text.starts_with('"') {
            MUST_BE_QUOTED
        } else {
            "an address needs `@` and a domain"
        },
    ))?;
    Ok((local, host))
}

/// Whether the dots are invalid in an unquoted local part (`Dot-string`).
pub(crate) fn has_misplaced_dot(local: &str) -> bool {
    local.split('.').any(str::is_empty)
}

/// Whether the text is a local part that needs no quotes.
pub(crate) fn is_dot_string(text: &str) -> bool {
    text.chars().all(|c| c == '.' || is_atext(c)) && !has_misplaced_dot(text)
}

/// Splits off the local part, and returns the rest.
fn split_local(text: &str) -> Result<(String, &str), AddressError> {
    let (local, rest) = match text.strip_prefix('"') {
        Some(quoted) => split_quoted(quoted)?,
        None => split_dot_string(text)?,
    };
    if local.len() > MAX_LOCAL {
        return Err(AddressError("the local part is longer than 255 octets"));
    }
    Ok((local, rest))
}

fn split_dot_string(text: &str) -> Result<(String, &str), AddressError> {
    let end = text
        .find(|c: char| c != '.' && !is_atext(c))
        .unwrap_or(text.len());
    let (local, rest) = text.split_at(end);
    if local.is_empty() {
        return Err(AddressError("the local part is empty"));
    }
    Ok((local.to_owned(), rest))
}

/// `Quoted-string` of RFC 5321 §4.1.2, after its opening quote.
fn split_quoted(quoted: &str) -> Result<(String, &str), AddressError> {
    let mut local = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next() {
            None => return Err(AddressError("the quoted local part has no end")),
            Some('"') => break,
            Some('\\') => match chars.next() {
                Some(c @ ' '..='~') => local.push(c),
                _ => return Err(AddressError("a character may not be escaped")),
            },
            Some(c) if is_printable(c) => local.push(c),
            Some(_) => {
                return Err(AddressError("the local part has a control character"));
            }
        }
    }
    if local.is_empty() {
        return Err(AddressError("the local part is empty"));
    }
    Ok((local, chars.as_str()))
}

fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~') || (!c.is_ascii() && !c.is_control())
}

/// RFC 5322 §3.2.3, with UTF8-non-ascii of RFC 6531 §3.3.
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(c)
        || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
}

impl FromStr for EmailAddress {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.local) {
            f.write_str(&self.local)?;
        } else {
            f.write_str("\"")?;
            for c in self.local.chars() {
                if matches!(c, '"' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
            f.write_str("\"")?;
        }
        write!(f, "@{}", self.host)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
