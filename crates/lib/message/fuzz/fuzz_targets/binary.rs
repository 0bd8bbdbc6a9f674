//! Any octets, cut anywhere, give the same ordinary message or the same refusal; a converted message has
//! nothing left to convert; and a message without a binary encoding passes unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use message::binary::{Converter, Unconvertible};

fn convert<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, Unconvertible> {
    let mut converter = Converter::new();
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(converter.push(piece)?);
    }
    out.extend_from_slice(converter.finish()?);
    Ok(out)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, message) = input;
    let whole = convert(std::iter::once(message));
    assert_eq!(convert(message.chunks(usize::from(size) + 1)), whole);
    let Ok(converted) = whole else { return };
    let again = convert(std::iter::once(converted.as_slice()));
    assert_eq!(again.as_ref(), Ok(&converted));
    // NULs and the like do not separate words; no line with one reaches this point.
    let words: Vec<u8> = message.to_ascii_lowercase();
    let words: Vec<u8> = words.into_iter().filter(u8::is_ascii_graphic).collect();
    if !words.windows(6).any(|octets| octets == b"binary") {
        // Except for the empty line added to an unterminated header section.
        assert!(converted.len() == message.len() || converted.len() == message.len() + 2);
    }
});
