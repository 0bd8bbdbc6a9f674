//! A minimal definition of text (RFC 5321 §2.3.8, RFC 5322 §2.1).

use crate::driver::{SIZE, TEXT_LINE};

/// Lines with their CRLF, which alone ends a line; the last may have none.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let (line, behind) = rest.split_at(end.map_or(rest.len(), |at| at + 2));
        rest = behind;
        Some(line)
    })
}

/// Whether the octets are allowed in a message.
pub fn is_proper(message: &[u8]) -> bool {
    message.len() <= SIZE
        && lines(message).all(|line| {
            let line = line.strip_suffix(b"\r\n").unwrap_or(line);
            line.len() <= TEXT_LINE && !line.iter().any(|octet| b"\r\n\0".contains(octet))
        })
}
