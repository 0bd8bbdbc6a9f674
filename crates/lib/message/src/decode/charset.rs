//! Charsets, and the decoder of a whole part body.

mod iso2022kr;
mod utf7;

use encoding_rs::{
    BIG5, CoderResult, Decoder, EUC_KR, Encoding, GBK, REPLACEMENT, SHIFT_JIS, UTF_8, UTF_16LE,
    WINDOWS_1252,
};

use super::TransferDecoder;

/// The way to decode a charset.
#[derive(Debug, Clone, Copy)]
enum Charset {
    Known(&'static Encoding),
    Utf7,
    Iso2022Kr,
}

impl Charset {
    /// The charset with this name; `None` if it is unknown.
    fn named(name: &[u8]) -> Option<Self> {
        let name = name.trim_ascii();
        // Text declared as US-ASCII, or without a charset, that is not ASCII is usually UTF-8.
        let names_none = [
            &b""[..],
            b"us-ascii",
            b"unknown",
            b"x-unknown",
            b"unknown-8bit",
        ];
        if names_none
            .iter()
            .any(|none| name.eq_ignore_ascii_case(none))
        {
            return Some(Self::Known(UTF_8));
        }
        if utf7::is_name(name) {
            return Some(Self::Utf7);
        }
        if iso2022kr::is_name(name) {
            return Some(Self::Iso2022Kr);
        }
        Encoding::for_label(name)
            .or_else(|| code_page(name))
            .filter(|encoding| *encoding != REPLACEMENT)
            .map(Self::Known)
    }
}

/// Names of code pages in use that are missing in the WHATWG list.
fn code_page(name: &[u8]) -> Option<&'static Encoding> {
    let name = name.to_ascii_lowercase();
    let number = [&b"cp-"[..], b"cp", b"ms", b"ibm-", b"ibm", b"windows-"]
        .iter()
        .find_map(|prefix| name.strip_prefix(*prefix))?;
    match number {
        b"932" | b"943" => Some(SHIFT_JIS),
        b"936" | b"1386" => Some(GBK),
        b"949" => Some(EUC_KR),
        b"950" => Some(BIG5),
        b"65001" => Some(UTF_8),
        _ => None,
    }
}

/// The encoding of a body in this charset; an unknown or stateful one is read as ASCII.
fn encoding(charset: &[u8]) -> &'static Encoding {
    match Charset::named(charset) {
        Some(Charset::Known(encoding)) => encoding,
        Some(Charset::Utf7 | Charset::Iso2022Kr) | None => UTF_8,
    }
}

/// Whether octets of this charset have only one decoding. The byte order of UTF-16 is in its name, or
/// guessed differently by each client.
pub(crate) fn is_sure(charset: &[u8], octets: &[u8]) -> bool {
    let is_sure = match Charset::named(charset) {
        Some(Charset::Known(encoding)) => {
            encoding != UTF_16LE || charset.trim_ascii().eq_ignore_ascii_case(b"utf-16le")
        }
        Some(Charset::Utf7 | Charset::Iso2022Kr) => true,
        None => false,
    };
    // Some clients obey a byte order mark, whatever the charset.
    is_sure && !octets.starts_with(b"\xfe\xff") && !octets.starts_with(b"\xff\xfe")
}

/// Whether this is the name of a charset, possibly one that cannot be decoded.
pub(crate) fn is_charset(name: &[u8]) -> bool {
    Charset::named(name).is_some() || Encoding::for_label(name).is_some()
}

/// Decodes octets of this charset into UTF-8; for an unknown one only the ASCII octets.
pub(super) fn decode(charset: &[u8], octets: &[u8], into: &mut String) {
    match Charset::named(charset) {
        Some(Charset::Known(encoding)) => {
            into.push_str(&encoding.decode_without_bom_handling(octets).0);
        }
        Some(Charset::Utf7) => utf7::decode(octets, into),
        Some(Charset::Iso2022Kr) => iso2022kr::decode(octets, into),
        None => into.push_str(&String::from_utf8_lossy(octets)),
    }
}

/// Octets of an unknown charset: UTF-8 if valid, otherwise Latin.
pub(super) fn guess(octets: &[u8], into: &mut String) {
    match std::str::from_utf8(octets) {
        Ok(text) => into.push_str(text),
        Err(_) => into.push_str(&WINDOWS_1252.decode_without_bom_handling(octets).0),
    }
}

/// Decodes the body of a text part in pieces: first its transfer encoding, then its charset.
pub struct TextDecoder {
    transfer: TransferDecoder,
    octets: Vec<u8>,
    charset: Decoder,
}

impl TextDecoder {
    /// For a part with this content-transfer-encoding and charset, as in [`crate::Part`].
    #[must_use]
    pub fn new(transfer_encoding: &str, charset: &str) -> Self {
        Self {
            transfer: TransferDecoder::new(transfer_encoding),
            octets: Vec::new(),
            charset: encoding(charset.as_bytes()).new_decoder_with_bom_removal(),
        }
    }

    /// Decodes the next piece of the body.
    pub fn push(&mut self, piece: &[u8], into: &mut String) {
        self.octets.clear();
        self.transfer.push(piece, &mut self.octets);
        decode_all(&mut self.charset, &self.octets, into, false);
    }

    /// Ends the body.
    pub fn finish(mut self, into: &mut String) {
        decode_all(&mut self.charset, &[], into, true);
    }
}

fn decode_all(decoder: &mut Decoder, mut octets: &[u8], into: &mut String, last: bool) {
    loop {
        let room = decoder
            .max_utf8_buffer_length(octets.len())
            .unwrap_or(octets.len() + 16);
        into.reserve(room);
        let (result, read, _) = decoder.decode_to_string(octets, into, last);
        octets = &octets[read..];
        if result == CoderResult::InputEmpty {
            return;
        }
    }
}
