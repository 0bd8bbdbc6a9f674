//! Extended parameter values (RFC 2231 §4).

use super::{charset, hex_pair};

/// The text of `charset'language'percent-encoded`. A value without the quotes counts as percent-encoded
/// octets of an unknown charset.
#[must_use]
pub fn extended(value: &[u8]) -> String {
    let mut parts = value.splitn(3, |&byte| byte == b'\'');
    let mut text = String::new();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_language), Some(encoded)) if !charset.is_empty() => {
            charset::decode(charset, &percent_decoded(encoded), &mut text);
        }
        (_, Some(_), Some(encoded)) => charset::guess(&percent_decoded(encoded), &mut text),
        _ => charset::guess(&percent_decoded(value), &mut text),
    }
    text
}

/// Whether the value names an unknown or ambiguous charset.
pub(crate) fn is_of_unknown_charset(value: &[u8]) -> bool {
    let mut parts = value.splitn(3, |&byte| byte == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(encoded)) => {
            !charset::is_sure(charset, &percent_decoded(encoded))
        }
        _ => false,
    }
}

/// Decodes percent-encoding; a `%` without two digits is kept.
#[must_use]
pub fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, hex_pair(after)) {
            (b'%', Some(octet)) => {
                octets.push(octet);
                rest = &after[2..];
            }
            _ => octets.push(*first),
        }
    }
    octets
}
