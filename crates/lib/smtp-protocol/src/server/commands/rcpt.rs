//! RCPT (RFC 5321 §4.1.1.3) with NOTIFY and ORCPT (RFC 3461 §4.1, §4.2).

use super::Command;
use crate::server::parameters::{MALFORMED, UNKNOWN, capital_xtext, parameters};
use crate::server::standing::Standing;
use crate::{Path, PathError, Reply};

/// The arguments of RCPT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rcpt {
    /// [`Path::Postmaster`], a mailbox or a local part.
    pub forward_path: Path,
    /// The requested DSNs.
    pub notify: Notify,
    /// ORCPT, `type;xtext`.
    pub original_recipient: Option<String>,
}

/// NOTIFY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notify(u8);

impl Notify {
    const SUCCESS: u8 = 1;
    const FAILURE: u8 = 2;
    const DELAY: u8 = 4;
    const NEVER: u8 = 8;

    /// Bits: 1 success, 2 failure, 4 delay, 8 never; 0 if NOTIFY was not given.
    pub fn bits(self) -> u8 {
        self.0
    }

    fn parse(value: &str) -> Option<Self> {
        let mut bits = 0;
        for word in value.split(',') {
            bits |= match word.to_ascii_uppercase().as_str() {
                "SUCCESS" => Self::SUCCESS,
                "FAILURE" => Self::FAILURE,
                "DELAY" => Self::DELAY,
                "NEVER" => Self::NEVER,
                _ => return None,
            };
        }
        // NEVER stands alone.
        (bits & Self::NEVER == 0 || bits == Self::NEVER).then_some(Self(bits))
    }
}

pub(in crate::server) fn read(arguments: &str, standing: &Standing<'_>) -> Result<Command, Reply> {
    let rcpt = parse(arguments, standing.terms.lenient)?;
    if !standing.smtputf8 && !rcpt.forward_path.is_ascii() {
        return Err(Reply::new(553, 6, 7, "This address needs SMTPUTF8"));
    }
    Ok(Command::Rcpt(rcpt))
}

/// Parses the arguments.
fn parse(arguments: &str, lenient: bool) -> Result<Rcpt, Reply> {
    let path =
        behind(arguments, "TO", lenient).ok_or(Reply::new(501, 5, 4, "Say RCPT TO:<address>"))?;
    let (forward_path, rest) = Path::split(path, lenient).map_err(bad_path)?;
    if forward_path == Path::Null {
        return Err(bad_path(PathError::Syntax));
    }
    let mut rcpt = Rcpt {
        forward_path,
        notify: Notify::default(),
        original_recipient: None,
    };
    for (key, value) in parameters(rest)? {
        let value = value.ok_or(UNKNOWN)?;
        if value.is_empty() {
            return Err(MALFORMED);
        }
        if key.eq_ignore_ascii_case("NOTIFY") {
            rcpt.notify = Notify::parse(value).ok_or(MALFORMED)?;
        } else if key.eq_ignore_ascii_case("ORCPT") {
            rcpt.original_recipient = Some(original_recipient(value).ok_or(MALFORMED)?);
        } else {
            return Err(UNKNOWN);
        }
    }
    Ok(rcpt)
}

/// `addr-type ";" xtext`; UTF-8 of RFC 6533 §3 is accepted here only in escaped form.
fn original_recipient(value: &str) -> Option<String> {
    let (kind, address) = value.split_once(';')?;
    let well_formed =
        !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let address = capital_xtext(address, 500).filter(|_| well_formed)?;
    Some(format!("{kind};{address}"))
}

fn bad_path(error: PathError) -> Reply {
    match error {
        PathError::Syntax => Reply::new(501, 1, 3, "Malformed recipient address"),
        PathError::TooLong => Reply::new(501, 1, 3, "Recipient address too long"),
    }
}

/// The text after `" FROM:"`. A space before the path is invalid but widespread. Leniently treated peers may
/// write a space before the colon, or omit it.
pub(super) fn behind<'a>(arguments: &'a str, keyword: &str, lenient: bool) -> Option<&'a str> {
    let text = arguments.trim_start_matches(' ');
    let (head, tail) = text.split_at_checked(keyword.len())?;
    let path = match tail.strip_prefix(':') {
        None if lenient && tail.starts_with([' ', '<']) => {
            let tail = tail.trim_start_matches(' ');
            tail.strip_prefix(':').unwrap_or(tail)
        }
        path => path?,
    };
    head.eq_ignore_ascii_case(keyword)
        .then(|| path.trim_start_matches(' '))
}
