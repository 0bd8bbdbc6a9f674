//! `string` and `nstring` of the IMAP grammar.

/// Writes a string: quoted if the grammar allows it, otherwise as a literal (8-bit text in quoted strings
/// would need ENABLE). NUL cannot be written at all.
pub(super) fn string(value: &[u8], into: &mut Vec<u8>) {
    if value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        quoted(value, into);
    } else {
        literal(value, into);
    }
}

/// Writes a string, or NIL.
pub(super) fn nstring(value: Option<&[u8]>, into: &mut Vec<u8>) {
    match value {
        Some(value) => string(value, into),
        None => into.extend_from_slice(b"NIL"),
    }
}

/// Writes a number.
pub(super) fn number(value: u64, into: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    into.extend_from_slice(&digits[at..]);
}

fn quoted(value: &[u8], into: &mut Vec<u8>) {
    into.reserve(value.len() + 2);
    into.push(b'"');
    for &byte in value {
        if matches!(byte, b'"' | b'\\') {
            into.push(b'\\');
        }
        into.push(byte);
    }
    into.push(b'"');
}

fn literal(value: &[u8], into: &mut Vec<u8>) {
    let nuls = memchr::memchr_iter(0, value).count();
    into.push(b'{');
    number((value.len() - nuls) as u64, into);
    into.extend_from_slice(b"}\r\n");
    into.extend(value.iter().filter(|&&byte| byte != 0));
}
