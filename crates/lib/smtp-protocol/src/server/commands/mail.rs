//! MAIL (RFC 5321 §4.1.1.2) with SIZE (RFC 1870), BODY (RFC 6152, RFC 3030 §3), SMTPUTF8 (RFC 6531), RET
//! and ENVID (RFC 3461 §4.3, §4.4), AUTH (RFC 4954 §5), REQUIRETLS (RFC 8689 §2), and the parameters of
//! [`Requests`].

use super::Command;
use crate::server::parameters::{MALFORMED, UNKNOWN, capital_xtext, parameters};
use crate::server::requests::{Offered, Requests};
use crate::server::standing::Standing;
use crate::server::terms::Terms;
use crate::{Path, PathError, Reply};

/// The arguments of MAIL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// [`Path::Null`], a mailbox or a local part.
    pub reverse_path: Path,
    /// The announced size.
    pub size: Option<u64>,
    /// The kind of content.
    pub body: Body,
    /// Header and addresses may contain UTF-8.
    pub smtputf8: bool,
    /// It may be relayed only over verified TLS, by servers that require it too (RFC 8689).
    pub require_tls: bool,
    /// The part of the message that a DSN returns.
    pub return_content: Option<ReturnContent>,
    /// ENVID, in xtext.
    pub envelope_id: Option<String>,
    /// Requests about time and priority.
    pub requests: Requests,
}

/// BODY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// 7BIT, or not given.
    #[default]
    SevenBit,
    /// 8BITMIME.
    EightBitMime,
    /// BINARYMIME: any octets, only with BDAT.
    BinaryMime,
}

/// RET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnContent {
    /// The whole message.
    Full,
    /// Its header section.
    Headers,
}

pub(in crate::server) fn check(standing: &Standing<'_>) -> Result<(), Reply> {
    if standing.terms.auth_required && !standing.authenticated {
        return Err(Reply::new(530, 7, 0, "Authentication required"));
    }
    Ok(())
}

pub(in crate::server) fn read(arguments: &str, standing: &Standing<'_>) -> Result<Command, Reply> {
    let mail = parse(arguments, standing.terms)?;
    if mail.require_tls && !standing.terms.require_tls {
        return Err(UNKNOWN.with_text("REQUIRETLS is not offered here"));
    }
    Ok(Command::Mail(mail))
}

/// Parses the arguments.
fn parse(arguments: &str, terms: &Terms) -> Result<Mail, Reply> {
    let path = super::rcpt::behind(arguments, "FROM", terms.lenient).ok_or(Reply::new(
        501,
        5,
        4,
        "Say MAIL FROM:<address>",
    ))?;
    let (reverse_path, rest) = Path::split(path, terms.lenient).map_err(bad_path)?;
    if reverse_path == Path::Postmaster {
        return Err(bad_path(PathError::Syntax));
    }
    let mut mail = Mail {
        reverse_path,
        size: None,
        body: Body::default(),
        smtputf8: false,
        require_tls: false,
        return_content: None,
        envelope_id: None,
        requests: Requests::default(),
    };
    for (key, value) in parameters(rest)? {
        if terms.lenient && says_nothing(key, value) {
            continue;
        }
        parameter(&mut mail, key, value, &terms.offered)?;
    }
    if !mail.smtputf8 && !mail.reverse_path.is_ascii() {
        return Err(Reply::new(550, 6, 7, "This address needs SMTPUTF8"));
    }
    Ok(mail)
}

/// Whether the parameter has no value, and means the same as none.
fn says_nothing(key: &str, value: Option<&str>) -> bool {
    let may_be_empty = ["SIZE", "BODY", "AUTH"];
    value == Some("")
        && may_be_empty
            .iter()
            .any(|name| key.eq_ignore_ascii_case(name))
}

fn bad_path(error: PathError) -> Reply {
    match error {
        PathError::Syntax => Reply::new(501, 1, 7, "Malformed sender address"),
        PathError::TooLong => Reply::new(501, 1, 7, "Sender address too long"),
    }
}

fn parameter(
    mail: &mut Mail,
    key: &str,
    value: Option<&str>,
    offered: &Offered,
) -> Result<(), Reply> {
    let is = |name: &str| key.eq_ignore_ascii_case(name);
    match value {
        Some("") => return Err(MALFORMED),
        Some(value) if is("SIZE") => {
            // RFC 1870 §3: at most 20 digits.
            let digits = value.len() <= 20 && value.bytes().all(|b| b.is_ascii_digit());
            let size = value.parse().unwrap_or(u64::MAX);
            mail.size = Some(digits.then_some(size).ok_or(MALFORMED)?);
        }
        Some(value) if is("BODY") => {
            mail.body = if value.eq_ignore_ascii_case("7BIT") {
                Body::SevenBit
            } else if value.eq_ignore_ascii_case("8BITMIME") {
                Body::EightBitMime
            } else if value.eq_ignore_ascii_case("BINARYMIME") {
                Body::BinaryMime
            } else {
                return Err(MALFORMED);
            };
        }
        None if is("SMTPUTF8") => mail.smtputf8 = true,
        None if is("REQUIRETLS") => mail.require_tls = true,
        Some(value) if is("RET") => {
            mail.return_content = Some(if value.eq_ignore_ascii_case("FULL") {
                ReturnContent::Full
            } else if value.eq_ignore_ascii_case("HDRS") {
                ReturnContent::Headers
            } else {
                return Err(MALFORMED);
            });
        }
        Some(value) if is("ENVID") => {
            mail.envelope_id = Some(capital_xtext(value, 100).ok_or(MALFORMED)?);
        }
        // The peer's claim about the author: accepted and ignored.
        Some(_) if is("AUTH") => {}
        _ => return mail.requests.parameter(key, value, offered),
    }
    Ok(())
}
