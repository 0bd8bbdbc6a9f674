//! Any octets, cut anywhere, give one summary, with offsets inside the message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use message::{Scanned, Scanner};

fn scan<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Option<Scanned> {
    let mut scanner = Scanner::new();
    for piece in pieces {
        scanner.push(piece).ok()?;
    }
    scanner.finish().ok()
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, message) = input;
    let Some(whole) = scan(std::iter::once(message)) else {
        return;
    };
    assert_eq!(scan(message.chunks(usize::from(size) + 1)).as_ref(), Some(&whole));
    // An empty line may have been put behind the header section.
    let size = message.len() as u64 + 2;
    for part in &whole.summary.parts {
        assert!(part.header_start <= part.body_start);
        assert!(part.body_start <= part.end && part.end <= size);
        let text = part.nested_text_start.unwrap_or(part.end);
        assert!((part.body_start..=part.end).contains(&text));
    }
    for wire in [
        &whole.summary.envelope,
        &whole.summary.body_structure,
        &whole.summary.body,
    ] {
        assert!(wire.starts_with(b"(") && wire.ends_with(b")"));
        assert!(!wire.contains(&0));
    }
});
