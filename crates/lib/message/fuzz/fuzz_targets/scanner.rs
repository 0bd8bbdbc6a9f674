//! Any octets, cut anywhere, give one summary of bounded size, with offsets inside the message; what the scanner keeps
//! and what it gives back are the message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use message::{MAX_DEPTH, MAX_HEADER, MAX_PARTS, MAX_SUMMARY, Scanned, Scanner};

/// The text, and what was found.
fn scan<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Option<(Vec<u8>, Scanned)> {
    let mut scanner = Scanner::new();
    let mut text = Vec::new();
    for piece in pieces {
        text.extend_from_slice(&scanner.push(piece).ok()?);
    }
    Some((text, scanner.finish().ok()?))
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, message) = input;
    let Some((text, whole)) = scan(std::iter::once(message)) else {
        assert!(message.len() > MAX_HEADER);
        return;
    };
    let cut = scan(message.chunks(usize::from(size) + 1)).expect("not larger than it was");
    assert_eq!(cut.1, whole);
    assert_eq!(cut.0, text);
    // An empty line may have been put behind the header section.
    assert!(message.ends_with(&text));
    let (header, _) = message.split_at(message.len() - text.len());
    let added = whole
        .header
        .strip_prefix(header)
        .expect("the header section as it came");
    assert!(added.len() <= 4 && added.iter().all(|octet| b"\r\n".contains(octet)));
    check(&whole, (whole.header.len() + text.len()) as u64);
});

fn check(whole: &Scanned, size: u64) {
    let summary = &whole.summary;
    assert!(summary.parts.len() <= MAX_PARTS + 2);
    for part in &summary.parts {
        assert!(part.path.len() <= MAX_DEPTH + 2);
        assert!(part.header_start <= part.body_start);
        assert!(part.body_start <= part.end && part.end <= size);
        let text = part.nested_text_start.unwrap_or(part.end);
        assert!((part.body_start..=part.end).contains(&text));
    }
    for wire in [&summary.envelope, &summary.body_structure, &summary.body] {
        assert!(wire.starts_with(b"(") && wire.ends_with(b")"));
        assert!(!wire.contains(&0));
        assert!(wire.len() <= MAX_SUMMARY);
    }
    assert!(
        [
            summary.subject.len(),
            summary.from.len(),
            summary.message_id.len()
        ]
        .iter()
        .all(|length| *length <= 1000)
    );
}
