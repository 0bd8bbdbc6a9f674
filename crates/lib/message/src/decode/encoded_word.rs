//! Encoded words in header values (RFC 2047).

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

use super::charset;
use crate::header::unfold;

/// Senders write padding and stray trailing bits; both are accepted.
pub(super) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A header value as text: unfolded, its encoded words decoded.
#[must_use]
pub fn unstructured(value: &[u8]) -> String {
    let value = unfold(value);
    let mut text = String::with_capacity(value.len());
    let mut rest: &[u8] = &value;
    let mut run = Run::default();
    while let Some(at) = memmem::find(rest, b"=?") {
        let Some((word, after)) = EncodedWord::read(&rest[at..]) else {
            run.flush(&mut text);
            charset::guess(&rest[..at + 2], &mut text);
            rest = &rest[at + 2..];
            continue;
        };
        // White space between two encoded words is not shown (§6.2).
        let between = &rest[..at];
        if !(run.is_open() && between.trim_ascii().is_empty()) {
            run.flush(&mut text);
            charset::guess(between, &mut text);
        }
        run.add(word, &mut text);
        rest = after;
    }
    run.flush(&mut text);
    charset::guess(rest, &mut text);
    text
}

/// Whether the result of [`unstructured`] may be wrong: an encoded word has an unknown or ambiguous
/// charset, or looks like an encoded word and cannot be decoded.
pub(crate) fn is_unclear(value: &[u8]) -> bool {
    let value = unfold(value);
    let mut rest: &[u8] = &value;
    while let Some(at) = memmem::find(rest, b"=?") {
        match EncodedWord::read(&rest[at..]) {
            Some((word, after)) if charset::is_sure(word.charset, &word.octets) => rest = after,
            Some(_) => return true,
            None if memmem::find(&rest[at + 2..], b"?=").is_some() => return true,
            None => rest = &rest[at + 2..],
        }
    }
    false
}

/// Neighbouring encoded words of one charset: some senders split characters between them.
#[derive(Default)]
struct Run<'a> {
    charset: Option<&'a [u8]>,
    octets: Vec<u8>,
}

impl<'a> Run<'a> {
    fn is_open(&self) -> bool {
        self.charset.is_some()
    }

    fn add(&mut self, word: EncodedWord<'a>, text: &mut String) {
        if self
            .charset
            .is_some_and(|charset| !charset.eq_ignore_ascii_case(word.charset))
        {
            self.flush(text);
        }
        self.charset = Some(word.charset);
        self.octets.extend_from_slice(&word.octets);
    }

    fn flush(&mut self, text: &mut String) {
        if let Some(charset) = self.charset.take() {
            charset::decode(charset, &self.octets, text);
            self.octets.clear();
        }
    }
}

struct EncodedWord<'a> {
    charset: &'a [u8],
    octets: Vec<u8>,
}

impl<'a> EncodedWord<'a> {
    /// Parses `=?charset?encoding?text?=` at the start.
    fn read(value: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let rest = value.strip_prefix(b"=?")?;
        let (charset, rest) = up_to_question(rest)?;
        let (encoding, rest) = up_to_question(rest)?;
        let end = memmem::find(rest, b"?=")?;
        let (text, after) = (&rest[..end], &rest[end + 2..]);
        // A language may follow the charset (RFC 2231 §5).
        let charset = charset.split(|&byte| byte == b'*').next()?;
        let octets = match encoding {
            b"B" | b"b" => base64(text),
            b"Q" | b"q" => quoted(text),
            _ => return None,
        };
        Some((Self { charset, octets }, after))
    }
}

fn up_to_question(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = value
        .iter()
        .take(80)
        .position(|&byte| matches!(byte, b'?' | b' ' | b'\t'))?;
    (value[at] == b'?' && at > 0).then(|| (&value[..at], &value[at + 1..]))
}

fn base64(text: &[u8]) -> Vec<u8> {
    let clean: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        .collect();
    // A single remaining sextet is no octet.
    let whole = if clean.len() % 4 == 1 {
        &clean[..clean.len() - 1]
    } else {
        &clean[..]
    };
    LENIENT.decode(whole).unwrap_or_default()
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'_' => octets.push(b' '),
            b'=' => match super::transfer::hex_pair(after) {
                Some(octet) => {
                    octets.push(octet);
                    rest = &after[2..];
                }
                None => octets.push(b'='),
            },
            other => octets.push(*other),
        }
    }
    octets
}
