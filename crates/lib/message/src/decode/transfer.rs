//! Content-transfer-encodings (RFC 2045 §6), incrementally.

/// Decodes a body's transfer encoding, piece by piece. Invalid input is skipped.
#[derive(Debug, Clone)]
pub struct TransferDecoder {
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Identity,
    Base64 { bits: u32, sextets: u8, ended: bool },
    Quoted(Escape),
}

/// The input after an `=` so far.
#[derive(Debug, Clone, Copy)]
enum Escape {
    None,
    Equals,
    Hex(u8),
    /// White space or CR after an `=`: a soft line break if LF follows.
    LineEnd,
}

impl TransferDecoder {
    /// For this content-transfer-encoding; an unknown one is passed unchanged.
    #[must_use]
    pub fn new(encoding: &str) -> Self {
        let state = if encoding.eq_ignore_ascii_case("base64") {
            State::Base64 {
                bits: 0,
                sextets: 0,
                ended: false,
            }
        } else if encoding.eq_ignore_ascii_case("quoted-printable") {
            State::Quoted(Escape::None)
        } else {
            State::Identity
        };
        Self { state }
    }

    /// Decodes the next piece.
    pub fn push(&mut self, piece: &[u8], into: &mut Vec<u8>) {
        match &mut self.state {
            State::Identity => into.extend_from_slice(piece),
            State::Base64 {
                bits,
                sextets,
                ended,
            } => {
                into.reserve(piece.len() / 4 * 3 + 3);
                for &byte in piece {
                    sextet(byte, bits, sextets, ended, into);
                }
            }
            State::Quoted(escape) => {
                into.reserve(piece.len());
                for &byte in piece {
                    *escape = quoted(*escape, byte, into);
                }
            }
        }
    }
}

/// A body may be several base64 texts in a row: padding ends only one of them.
fn sextet(byte: u8, bits: &mut u32, sextets: &mut u8, ended: &mut bool, into: &mut Vec<u8>) {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        b'=' => {
            *ended = true;
            return;
        }
        _ => return,
    };
    if std::mem::take(ended) {
        (*bits, *sextets) = (0, 0);
    }
    *bits = (*bits << 6) | u32::from(value);
    *sextets += 1;
    // Octets are returned as soon as they are complete.
    let whole = match *sextets {
        2 => *bits >> 4,
        3 => *bits >> 2,
        4 => *bits,
        _ => return,
    };
    let [.., octet] = whole.to_be_bytes();
    into.push(octet);
    if *sextets == 4 {
        (*bits, *sextets) = (0, 0);
    }
}

fn quoted(escape: Escape, byte: u8, into: &mut Vec<u8>) -> Escape {
    match (escape, byte) {
        (Escape::None, b'=') => Escape::Equals,
        (Escape::None, _) => {
            into.push(byte);
            Escape::None
        }
        (Escape::Equals | Escape::LineEnd, b'\n') => Escape::None,
        (Escape::Equals | Escape::LineEnd, b' ' | b'\t' | b'\r') => Escape::LineEnd,
        (Escape::Equals, _) if byte.is_ascii_hexdigit() => Escape::Hex(byte),
        (Escape::Hex(first), _) if byte.is_ascii_hexdigit() => {
            into.extend(hex_pair(&[first, byte]));
            Escape::None
        }
        (Escape::Hex(first), _) => {
            into.extend([b'=', first]);
            quoted(Escape::None, byte, into)
        }
        (Escape::Equals | Escape::LineEnd, _) => {
            into.push(b'=');
            quoted(Escape::None, byte, into)
        }
    }
}

/// The octet of two leading hexadecimal digits.
pub(crate) fn hex_pair(text: &[u8]) -> Option<u8> {
    let [high, low, ..] = text else { return None };
    let high = (*high as char).to_digit(16)?;
    let low = (*low as char).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}
