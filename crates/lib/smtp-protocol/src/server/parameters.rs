//! Parameters of MAIL and RCPT (RFC 5321 §4.1.2, `esmtp-param`).

use crate::Reply;

pub(super) const UNKNOWN: Reply = Reply::new(555, 5, 4, "Unknown parameter");
pub(super) const MALFORMED: Reply = Reply::new(501, 5, 4, "Malformed parameter");

/// Splits `" KEY=value KEY"` into pairs. Repeated keywords are refused; an empty value is the caller's to
/// judge.
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

/// `AUTH=<>` and addresses of ORCPT exceed `esmtp-value`, but contain no space or control character.
fn is_value(value: &str) -> bool {
    !value.bytes().any(|b| b <= b' ' || b == 127)
}

/// The value, if it is xtext (RFC 3461 §4) of at most `limit` octets. Hexadecimal digits must be upper
/// case; lower-case ones of some senders are converted.
pub(super) fn capital_xtext(value: &str, limit: usize) -> Option<String> {
    let mut written = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '+' => {
                written.push('+');
                for _ in 0..2 {
                    let digit = characters.next().filter(char::is_ascii_hexdigit)?;
                    written.push(digit.to_ascii_uppercase());
                }
            }
            '=' => return None,
            _ if character.is_ascii_graphic() => written.push(character),
            _ => return None,
        }
    }
    (!written.is_empty() && written.len() <= limit).then_some(written)
}

/// Decodes xtext (RFC 3461 §4) to text without controls; `None` if it is invalid.
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
        for text in [" =x", " -a", " SIZE=1 size=2", " a\u{1}=x", " A=\t"] {
            assert!(parameters(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn xtext_escapes_are_two_hex_digits_and_become_capital_ones() {
        for (text, written) in [
            ("a", "a"),
            ("a+20b", "a+20b"),
            ("a+2fb+Cf", "a+2Fb+CF"),
            ("rfc822;bob@x.test", "rfc822;bob@x.test"),
        ] {
            assert_eq!(capital_xtext(text, 100).as_deref(), Some(written));
        }
        for text in ["", "a=b", "+2", "+2g", "a b", "ä", "abcdefghijk"] {
            assert_eq!(capital_xtext(text, 10), None, "{text}");
        }
    }
}
