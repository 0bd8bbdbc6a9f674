//! OAuth 2 access tokens: OAUTHBEARER (RFC 7628), and its predecessor XOAUTH2.

use std::fmt;

use serde_json::json;

use crate::{Dialect, Fault};

/// The separator of fields.
const SEPARATOR: char = '\u{1}';

/// A token, and the requested identity.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken {
    /// The authorization identity; empty for the token's own.
    pub authorization: String,
    /// The token; empty if the client asks for the kind of token (RFC 7628 §4.3).
    pub token: String,
}

impl fmt::Debug for BearerToken {
    /// Omits the token: anyone who has it can use it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken")
            .field("authorization", &self.authorization)
            .finish_non_exhaustive()
    }
}

/// The reason for the refusal of a token, as shown to the client (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// Expired, forged, for another audience, or missing.
    Invalid,
    /// Valid, but without the required scope.
    InsufficientScope,
}

/// The information sent to the client with a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRefusal {
    /// The reason.
    pub fault: TokenFault,
    /// The required scope; empty if there is none.
    pub scope: String,
    /// The URL of the issuer's OpenID configuration; empty if unknown.
    pub configuration: String,
}

impl TokenRefusal {
    pub(crate) fn challenge(&self, dialect: Dialect) -> Vec<u8> {
        let status = match (dialect, self.fault) {
            (Dialect::XOAuth2, TokenFault::Invalid) => "401",
            (Dialect::XOAuth2, TokenFault::InsufficientScope) => "403",
            (Dialect::OAuthBearer, TokenFault::Invalid) => "invalid_token",
            (Dialect::OAuthBearer, TokenFault::InsufficientScope) => "insufficient_scope",
        };
        let mut fields = json!({ "status": status });
        if dialect == Dialect::XOAuth2 {
            fields["schemes"] = json!("bearer");
        }
        if !self.scope.is_empty() {
            fields["scope"] = json!(self.scope);
        }
        if dialect == Dialect::OAuthBearer && !self.configuration.is_empty() {
            fields["openid-configuration"] = json!(self.configuration);
        }
        fields.to_string().into_bytes()
    }
}

/// Parses a client's response.
pub(crate) fn read(response: &str, dialect: Dialect) -> Result<BearerToken, Fault> {
    let (authorization, fields) = match dialect {
        Dialect::OAuthBearer => oauthbearer(response)?,
        Dialect::XOAuth2 => xoauth2(response)?,
    };
    let mut token = None;
    for field in fields.split(SEPARATOR) {
        let (key, value) = field.split_once('=').ok_or(Fault::Malformed)?;
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphabetic()) || !is_value(value) {
            return Err(Fault::Malformed);
        }
        // `host` and `port` are for other kinds of tokens (RFC 7628 §3.1).
        if key == "auth" && token.replace(bearer(value)?).is_some() {
            return Err(Fault::Malformed);
        }
    }
    Ok(BearerToken {
        authorization,
        token: token.ok_or(Fault::Malformed)?,
    })
}

/// RFC 7628 §3.1: `gs2-header kvsep *kvpair kvsep`; returns the identity in the header, and the fields.
fn oauthbearer(response: &str) -> Result<(String, &str), Fault> {
    let (header, fields) = response.split_once(SEPARATOR).ok_or(Fault::Malformed)?;
    let (flag, rest) = header.split_once(',').ok_or(Fault::Malformed)?;
    let name = rest.strip_suffix(',').ok_or(Fault::Malformed)?;
    // A token has no channel binding: the header cannot request one.
    if !matches!(flag, "n" | "y") {
        return Err(Fault::Malformed);
    }
    let authorization = match name.strip_prefix("a=") {
        Some(name) => crate::scram::saslname(name)?,
        None if name.is_empty() => String::new(),
        None => return Err(Fault::Malformed),
    };
    Ok((authorization, end(fields)?))
}

/// `user=` name kvsep *kvpair kvsep.
fn xoauth2(response: &str) -> Result<(String, &str), Fault> {
    let (name, fields) = response.split_once(SEPARATOR).ok_or(Fault::Malformed)?;
    let name = name.strip_prefix("user=").ok_or(Fault::Malformed)?;
    Ok((crate::passwords::without_nul(name)?, end(fields)?))
}

/// Each field ends with a separator, and so does their list.
fn end(fields: &str) -> Result<&str, Fault> {
    fields.strip_suffix("\u{1}\u{1}").ok_or(Fault::Malformed)
}

/// RFC 7628 §3.1: printable, or white space.
fn is_value(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_graphic() || matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Parses `Bearer` and a token (RFC 6750 §2.1).
fn bearer(value: &str) -> Result<String, Fault> {
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim_matches(' ');
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if !token.bytes().all(is_token) {
        return Err(Fault::Malformed);
    }
    match scheme {
        "" if token.is_empty() => Ok(String::new()),
        scheme if scheme.eq_ignore_ascii_case("Bearer") => Ok(token.to_owned()),
        _ => Err(Fault::Malformed),
    }
}
