//! Any octets, cut anywhere, give one summary of bounded size, with offsets inside the message; the kept
//! and the returned octets together are the message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use message::header::fields;
use message::sort::{MAX_REFERENCES, MAX_REFERENCES_OCTETS, base_subject};
use message::{
    MAX_DEPTH, MAX_HEADER, MAX_PARTS, MAX_SUMMARY, SCANNER_VERSION, Scanned, Scanner, Summary,
};

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
    // An empty line may have been added after the header section.
    assert!(message.ends_with(&text));
    let (header, _) = message.split_at(message.len() - text.len());
    let added = whole
        .header
        .strip_prefix(header)
        .expect("the header section as it came");
    assert!(added.len() <= 4 && added.iter().all(|octet| b"\r\n".contains(octet)));
    check(&whole, (whole.header.len() + text.len()) as u64);
    sort_keys(&whole.header, &whole.summary);
    from_header_alone(&whole, &text);
});

/// A summary that depends only on the header section is equal without the text.
fn from_header_alone(whole: &Scanned, text: &[u8]) {
    let mut scanner = Scanner::new();
    let rest = scanner.push(&whole.header).expect("not larger than it was");
    assert!(rest.is_empty());
    if text.is_empty() || !scanner.needs_text() {
        scanner.skip_text(text.len() as u64, whole.summary.lines);
        assert_eq!(&scanner.finish().expect("as before"), whole);
    }
}

/// Compares sort keys and references with a simpler parser of the same fields.
fn sort_keys(header: &[u8], summary: &Summary) {
    let sort = &summary.sort;
    if summary.subject.len() < 900 {
        let base = base_subject(&summary.subject);
        assert_eq!(
            (&base.text, base.is_reply),
            (&sort.base_subject, sort.is_reply)
        );
        assert_eq!(base_subject(&base.text).text, base.text);
    }
    // Each key comes first in ENVELOPE, and exists only with its field.
    let has = |name| fields(header).any(|field| field.is(name));
    for (key, name) in [(&sort.from, "From"), (&sort.to, "To"), (&sort.cc, "Cc")] {
        assert!(key.is_none() || has(name));
        for text in key
            .iter()
            .flat_map(|key| [&key.name, &key.mailbox, &key.host])
        {
            assert!(text.len() <= 1000 && !text.contains('\0'));
        }
    }
    for (ids, name) in [
        (&summary.in_reply_to, "In-Reply-To"),
        (&summary.references, "References"),
    ] {
        assert!(ids.is_empty() || has(name));
        assert!(ids.len() <= MAX_REFERENCES);
        let octets: usize = ids.iter().map(|id| id.len()).sum();
        assert!(octets <= MAX_REFERENCES_OCTETS + 1000);
        assert!(ids.iter().all(|id| id.contains(&b'@') && id.len() <= 1000));
    }
}

fn check(whole: &Scanned, size: u64) {
    let summary = &whole.summary;
    assert_eq!(summary.scanner_version, SCANNER_VERSION);
    assert!(summary.parts.len() <= MAX_PARTS + 2);
    for part in &summary.parts {
        assert!(part.path.len() <= MAX_DEPTH + 2);
        assert!(part.header_start <= part.body_start);
        assert!(part.body_start <= part.end && part.end <= size);
        let text = part.nested_text_start.unwrap_or(part.end);
        assert!((part.body_start..=part.end).contains(&text));
        assert!(part.filename.len() <= 1000 && part.location.len() <= 1000);
        assert!(part.disposition.len() <= 100 && part.languages.len() <= 20);
        assert!(part.languages.iter().all(|tag| tag.len() <= 100));
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
