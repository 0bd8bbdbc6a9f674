//! Strings in wire form, for both directions.

use bytes::BufMut;

use crate::cursor::is_astring_char;

/// Longer strings are written as literals.
const LONGEST_QUOTED: usize = 1000;

/// The writing side: a client's literal has a `+` (RFC 7888) and needs no continuation; a server's never
/// needs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Commands.
    Client,
    /// Responses.
    Server,
}

/// `string`: quoted if possible, otherwise a literal.
pub fn put_string(out: &mut impl BufMut, octets: &[u8], side: Side) {
    let quotable = octets.len() <= LONGEST_QUOTED
        && octets
            .iter()
            .all(|&octet| matches!(octet, 0x20..=0x7e | b'\t'));
    if !quotable {
        put_literal_mark(out, octets.len() as u64, side);
        out.put_slice(octets);
        return;
    }
    out.put_u8(b'"');
    for &octet in octets {
        if matches!(octet, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(octet);
    }
    out.put_u8(b'"');
}

/// `astring`: an atom if possible, otherwise a string.
pub fn put_astring(out: &mut impl BufMut, octets: &[u8], side: Side) {
    let atom = !octets.is_empty()
        && octets.len() <= LONGEST_QUOTED
        && octets.iter().all(|&octet| is_astring_char(octet))
        && !octets.eq_ignore_ascii_case(b"NIL");
    if atom {
        out.put_slice(octets);
    } else {
        put_string(out, octets, side);
    }
}

/// `nstring`.
pub fn put_nstring(out: &mut impl BufMut, octets: Option<&[u8]>, side: Side) {
    match octets {
        Some(octets) => put_string(out, octets, side),
        None => out.put_slice(b"NIL"),
    }
}

/// `{n}` and a line break, before n octets.
pub fn put_literal_mark(out: &mut impl BufMut, size: u64, side: Side) {
    out.put_u8(b'{');
    put_number(out, size);
    if side == Side::Client {
        out.put_u8(b'+');
    }
    out.put_slice(b"}\r\n");
}

/// A decimal number.
pub fn put_number(out: &mut impl BufMut, number: u64) {
    let mut digits = [0_u8; 20];
    let mut rest = number;
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        length += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.put_slice(digits.get(20 - length..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::{Side, put_astring, put_number, put_string};

    fn string(octets: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&mut out, octets, Side::Server);
        out
    }

    #[test]
    fn a_string_is_quoted_where_that_can_be() {
        assert_eq!(string(b""), b"\"\"");
        assert_eq!(string(b"a \"b\" \\"), b"\"a \\\"b\\\" \\\\\"");
        assert_eq!(string(b"a\r\nb"), b"{4}\r\na\r\nb");
        assert_eq!(string("é".as_bytes()), "{2}\r\né".as_bytes());
    }

    #[test]
    fn an_astring_is_an_atom_where_that_can_be() {
        let astring = |octets: &[u8]| {
            let mut out = Vec::new();
            put_astring(&mut out, octets, Side::Client);
            out
        };
        assert_eq!(astring(b"INBOX"), b"INBOX");
        assert_eq!(astring(b"nil"), b"\"nil\"");
        assert_eq!(astring(b"a b"), b"\"a b\"");
        assert_eq!(astring(b"\xff"), b"{1+}\r\n\xff");
    }

    #[test]
    fn numbers_have_no_leading_zero() {
        let number = |number| {
            let mut out = Vec::new();
            put_number(&mut out, number);
            out
        };
        assert_eq!(number(0), b"0");
        assert_eq!(number(10), b"10");
        assert_eq!(number(u64::MAX), b"18446744073709551615");
    }
}
