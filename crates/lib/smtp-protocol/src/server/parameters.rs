//! Parameters of MAIL and RCPT (RFC 5321 §4.1.2, `esmtp-param`).

use crate::Reply;

pub(super) const UNKNOWN: Reply = Reply::new(555, 5, 4, "Unknown parameter");
pub(super) const MALFORMED: Reply = Reply::new(501, 5, 4, "Malformed parameter");

/// `" KEY=value KEY"` → pairs. Repeated keywords are refused.
pub(super) fn parameters(text: &str) -> Result<Vec<(&str, Option<&str>)>, Reply> {
    let mut pairs: Vec<(&str, Option<&str>)> = Vec::new();
    for item in text.split(' ').filter(|item| !item.is_empty()) {
        let (key, value) = match item.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (item, None),
        };
        if !is_keyword(key) || value.is_some_and(|value| !is_value(value)) {
            return Err(MALFORMED);
        }
        if pairs.iter().any(|(seen, _)| seen.eq_ignore_ascii_case(key)) {
            return Err(MALFORMED.with_text("Repeated parameter"));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

fn is_keyword(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphanumeric())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// `AUTH=<>` and addresses of ORCPT hold more than `esmtp-value` has, but no space or control.
fn is_value(value: &str) -> bool {
    !value.is_empty() && !value.bytes().any(|b| b <= b' ' || b == 127)
}

/// Whether `value` is xtext (RFC 3461 §4) of at most `limit` octets.
pub(super) fn is_xtext(value: &str, limit: usize) -> bool {
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        let well_formed = match byte {
            b'+' => {
                let mut hex = || {
                    bytes
                        .next()
                        .is_some_and(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'))
                };
                hex() && hex()
            }
            b'=' => false,
            _ => byte.is_ascii_graphic(),
        };
        if !well_formed {
            return false;
        }
    }
    !value.is_empty() && value.len() <= limit
}

/// What xtext stands for (RFC 3461 §4): text, without controls; `None` where it is malformed.
pub(super) fn xtext(value: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'+' {
            octets.push(*first);
            continue;
        }
        let (hex, behind) = rest.split_at_checked(2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        octets.push(u8::try_from(digit(hex[0])? << 4 | digit(hex[1])?).ok()?);
        rest = behind;
    }
    let text = String::from_utf8(octets).ok()?;
    (!text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_repeats_refused() {
        assert_eq!(
            parameters(" SIZE=10  SMTPUTF8"),
            Ok(vec![("SIZE", Some("10")), ("SMTPUTF8", None)])
        );
        for text in [" =x", " A=", " -a", " SIZE=1 size=2", " a\u{1}=x", " A=\t"] {
            assert!(parameters(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn xtext_escapes_are_two_capital_hex_digits() {
        for text in ["a", "a+20b", "rfc822;bob@x.test"] {
            assert!(is_xtext(text, 100), "{text}");
        }
        for text in ["", "a=b", "+2", "+2g", "+2f", "a b", "ä", "abcdefghijk"] {
            assert!(!is_xtext(text, 10), "{text}");
        }
    }
}
