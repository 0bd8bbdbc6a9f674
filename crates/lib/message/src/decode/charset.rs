//! Charsets, and the decoder of a whole part body.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, WINDOWS_1252};

use super::TransferDecoder;

/// The encoding of that name. Text that calls itself US-ASCII, or nothing, and is not, is most
/// often UTF-8.
fn encoding(charset: &[u8]) -> &'static Encoding {
    if charset.is_empty() || charset.eq_ignore_ascii_case(b"us-ascii") {
        return UTF_8;
    }
    Encoding::for_label(charset).unwrap_or(UTF_8)
}

/// Decodes octets of that charset into UTF-8.
pub(super) fn decode(charset: &[u8], octets: &[u8], into: &mut String) {
    let (text, _) = encoding(charset).decode_without_bom_handling(octets);
    into.push_str(&text);
}

/// Octets of no known charset: UTF-8 when they are that, Latin otherwise.
pub(super) fn guess(octets: &[u8], into: &mut String) {
    match std::str::from_utf8(octets) {
        Ok(text) => into.push_str(text),
        Err(_) => into.push_str(&WINDOWS_1252.decode_without_bom_handling(octets).0),
    }
}

/// Decodes the body of a text part as it comes in pieces: first its transfer encoding, then its
/// charset.
pub struct TextDecoder {
    transfer: TransferDecoder,
    octets: Vec<u8>,
    charset: Decoder,
}

impl TextDecoder {
    /// For a part of that content-transfer-encoding and charset, as [`crate::Part`] has them.
    #[must_use]
    pub fn new(transfer_encoding: &str, charset: &str) -> Self {
        Self {
            transfer: TransferDecoder::new(transfer_encoding),
            octets: Vec::new(),
            charset: encoding(charset.as_bytes()).new_decoder_with_bom_removal(),
        }
    }

    /// Takes the next piece of the body.
    pub fn push(&mut self, piece: &[u8], into: &mut String) {
        self.octets.clear();
        self.transfer.push(piece, &mut self.octets);
        decode_all(&mut self.charset, &self.octets, into, false);
    }

    /// The body has ended.
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
