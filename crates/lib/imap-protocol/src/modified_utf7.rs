//! Modified UTF-7, the wire form of mailbox names in IMAP4rev1 (RFC 3501 §5.1.3).

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The text of a name in modified UTF-7; `None` if invalid. Printable ASCII in base64 is refused, as §5.1.3
/// requires: each name has one form.
pub(crate) fn decode(octets: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((&octet, behind)) = rest.split_first() {
        rest = behind;
        match octet {
            b'&' => {
                let end = memchr::memchr(b'-', rest)?;
                let (shifted, behind) = rest.split_at_checked(end)?;
                rest = behind.get(1..)?;
                if shifted.is_empty() {
                    text.push('&');
                } else {
                    decode_shifted(shifted, &mut text)?;
                }
            }
            0x20..=0x7e => text.push(char::from(octet)),
            _ => return None,
        }
    }
    Some(text)
}

fn decode_shifted(shifted: &[u8], text: &mut String) -> Option<()> {
    let utf16 = BASE64.decode(shifted).ok()?;
    let units = utf16.chunks_exact(2);
    if !units.remainder().is_empty() {
        return None;
    }
    let units = units.map(|unit| match unit {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    for character in char::decode_utf16(units) {
        let character = character.ok()?;
        if matches!(character, ' '..='~') {
            return None;
        }
        text.push(character);
    }
    Some(())
}

/// The text of a name as clients write it: modified UTF-7 or UTF-8.
pub(crate) fn from_wire(octets: &[u8]) -> Option<String> {
    if octets.is_ascii() {
        decode(octets)
    } else {
        String::from_utf8(octets.to_vec()).ok()
    }
}

/// A name's wire form.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut shifted: Vec<u8> = Vec::new();
    for character in text.chars() {
        if matches!(character, ' '..='~') {
            flush(&mut shifted, &mut out);
            out.push(character as u8);
            if character == '&' {
                out.push(b'-');
            }
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                shifted.extend_from_slice(&unit.to_be_bytes());
            }
        }
    }
    flush(&mut shifted, &mut out);
    out
}

fn flush(shifted: &mut Vec<u8>, out: &mut Vec<u8>) {
    if !shifted.is_empty() {
        out.push(b'&');
        out.extend_from_slice(BASE64.encode(&*shifted).as_bytes());
        out.push(b'-');
        shifted.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failure here is the test's failure.

    use proptest::prelude::*;

    use super::{decode, encode};

    #[test]
    fn the_example_of_the_rfc() {
        let wire = b"~peter/mail/&U,BTFw-/&ZeVnLIqe-";
        let text = decode(wire).unwrap();
        assert_eq!(text, "~peter/mail/台北/日本語");
        assert_eq!(encode(&text), wire);
    }

    #[test]
    fn an_ampersand_stands_for_itself_with_a_dash() {
        assert_eq!(decode(b"a&-b").unwrap(), "a&b");
        assert_eq!(encode("a&b"), b"a&-b");
    }

    #[test]
    fn what_is_not_modified_utf7_is_refused() {
        for wire in [
            &b"a&b"[..],
            b"&AGE-",
            b"&!-",
            b"&2AA-",
            b"&U-",
            b"\xff",
            b"a\0",
        ] {
            assert_eq!(decode(wire), None, "{wire:?}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>()) {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }

        #[test]
        fn what_is_read_is_written_the_same(wire in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(text) = decode(&wire) {
                prop_assert_eq!(decode(&encode(&text)), Some(text));
            }
        }
    }
}
