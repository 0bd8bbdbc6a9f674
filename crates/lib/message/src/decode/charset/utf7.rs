//! UTF-7 (RFC 2152).

use base64::Engine as _;

use crate::decode::encoded_word::LENIENT;

pub(super) fn is_name(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_slice(),
        b"utf-7" | b"utf7" | b"unicode-1-1-utf-7" | b"x-unicode-2-0-utf-7" | b"csunicode11utf7"
    )
}

/// Decodes the text; invalid input is kept or becomes U+FFFD.
pub(super) fn decode(octets: &[u8], into: &mut String) {
    let mut rest = octets;
    while let Some(at) = memchr::memchr(b'+', rest) {
        into.push_str(&String::from_utf8_lossy(&rest[..at]));
        rest = &rest[at + 1..];
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        let end = rest
            .iter()
            .position(|byte| !is_base64(byte))
            .unwrap_or(rest.len());
        let shifted = &rest[..end];
        rest = &rest[end..];
        let ends_in_minus = rest.first() == Some(&b'-');
        if ends_in_minus {
            rest = &rest[1..];
        }
        if shifted.is_empty() {
            // `+-` is `+`.
            into.push('+');
        }
        utf16(shifted, into);
    }
    into.push_str(&String::from_utf8_lossy(rest));
}

fn utf16(base64: &[u8], into: &mut String) {
    // A single remaining sextet is no octet.
    let whole = base64.len() - usize::from(base64.len() % 4 == 1);
    let octets = LENIENT.decode(&base64[..whole]).unwrap_or_default();
    let units = octets
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    into.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_shifted_is_utf_16_in_base64() {
        for (octets, text) in [
            ("plain", "plain"),
            ("evil+AC4-exe", "evil.exe"),
            ("evil+AC4AZQB4AGU-", "evil.exe"),
            ("evil+AC4AZQB4AGU", "evil.exe"),
            ("a +- b+", "a + b+"),
            ("+2D3eAA-!", "\u{1f600}!"),
            ("+2D0-", "\u{fffd}"),
            ("+A-x", "x"),
        ] {
            let mut decoded = String::new();
            super::decode(octets.as_bytes(), &mut decoded);
            assert_eq!(decoded, text, "{octets}");
        }
    }
}
