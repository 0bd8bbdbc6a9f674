#![allow(clippy::unwrap_used)] // A failing test may panic.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::Part;

fn scan(message: &[u8]) -> Scanned {
    let mut scanner = Scanner::new();
    scanner.push(message).unwrap();
    scanner.finish().unwrap()
}

/// What a fixture's `.expected` file says.
fn shown(message: &[u8]) -> String {
    let summary = scan(message).summary;
    let wire = |bytes: &[u8]| bytes.escape_ascii().to_string().replace("\\\"", "\"");
    let mut text = String::new();
    writeln!(text, "ENVELOPE {}", wire(&summary.envelope)).unwrap();
    writeln!(text, "BODYSTRUCTURE {}", wire(&summary.body_structure)).unwrap();
    writeln!(text, "BODY {}", wire(&summary.body)).unwrap();
    for part in &summary.parts {
        let path: Vec<String> = part.path.iter().map(u32::to_string).collect();
        let body =
            &message[usize::try_from(part.body_start).unwrap()..usize::try_from(part.end).unwrap()];
        writeln!(
            text,
            "PART [{}] {} {} {} header {} body {}..{}{} {:?}",
            path.join("."),
            part.media_type,
            part.charset,
            part.encoding,
            part.header_start,
            part.body_start,
            part.end,
            part.nested_text_start
                .map(|start| format!(" nested text {start}"))
                .unwrap_or_default(),
            String::from_utf8_lossy(body),
        )
        .unwrap();
        let words = [&part.filename, &part.disposition, &part.location];
        if words.iter().any(|word| !word.is_empty()) || !part.languages.is_empty() {
            writeln!(text, "     {words:?} {:?}", part.languages).unwrap();
        }
    }
    writeln!(
        text,
        "DATE {:?} ID {} SUBJECT {:?} FROM {:?} LINES {}",
        summary.sent_at,
        wire(&summary.message_id),
        summary.subject,
        summary.from,
        summary.lines
    )
    .unwrap();
    writeln!(
        text,
        "IN-REPLY-TO {:?} REFERENCES {:?}",
        summary.in_reply_to, summary.references
    )
    .unwrap();
    writeln!(text, "{:?}", summary.sort).unwrap();
    text
}

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/messages");
    let mut found: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .map(|path| {
            let lines = std::fs::read(&path).unwrap();
            let message = lines
                .iter()
                .flat_map(|&byte| {
                    if byte == b'\n' {
                        vec![b'\r', byte]
                    } else {
                        vec![byte]
                    }
                })
                .collect();
            (
                path.with_extension("expected").display().to_string(),
                message,
            )
        })
        .collect();
    found.sort();
    found
}

/// `UPDATE_FIXTURES=1` writes the expectations anew: read the difference before you keep it.
#[test]
fn messages_have_the_wire_strings_that_their_fixtures_say() {
    for (expected, message) in fixtures() {
        let shown = shown(&message);
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&expected, &shown).unwrap();
        }
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(shown, wanted, "{expected}");
    }
}

#[test]
fn header_and_text_are_told_apart_however_the_message_is_cut() {
    for (name, message) in fixtures() {
        let whole = scan(&message);
        for size in 1..message.len().min(100) {
            let mut scanner = Scanner::new();
            let mut text = Vec::new();
            for piece in message.chunks(size) {
                text.extend_from_slice(&scanner.push(piece).unwrap());
            }
            assert_eq!(scanner.size(), message.len() as u64);
            let pieces = scanner.finish().unwrap();
            assert_eq!(pieces, whole, "{name} in pieces of {size}");
            assert_eq!([&pieces.header[..], &text].concat(), message, "{name}");
        }
    }
}

#[test]
fn a_header_section_has_a_limit_and_a_line_of_it_has_none() {
    let field = |octets: usize| [b"x:", &vec![b'x'; octets - 2][..]].concat();
    let mut scanner = Scanner::new();
    let mut message = field(MAX_HEADER - 4);
    message.extend_from_slice(b"\r\n\r\n");
    scanner.push(&message).unwrap();
    assert_eq!(scanner.finish().unwrap().header.len(), MAX_HEADER);

    let mut scanner = Scanner::new();
    scanner.push(&field(MAX_HEADER)).unwrap();
    assert_eq!(scanner.push(b"x"), Err(ScanError::HeaderTooLarge));

    let mut scanner = Scanner::new();
    message.truncate(MAX_HEADER - 2);
    scanner.push(&message).unwrap();
    assert_eq!(
        scanner.push(b"no field"),
        Ok(Cow::Borrowed(&b"no field"[..])),
        "with the empty line it is as large as may be"
    );
}

/// Header section and text, by pieces of this size.
fn split(message: &[u8], size: usize) -> (Vec<u8>, Vec<u8>, Scanned) {
    let (mut scanner, mut text) = (Scanner::new(), Vec::new());
    for piece in message.chunks(size) {
        text.extend_from_slice(&scanner.push(piece).unwrap());
    }
    let octets = scanner.size();
    let scanned = scanner.finish().unwrap();
    assert_eq!(octets, (scanned.header.len() + text.len()) as u64);
    (scanned.header.to_vec(), text, scanned)
}

#[test]
fn text_begins_where_a_line_is_no_field_and_an_empty_line_is_put_before_it() {
    let long = "x".repeat(MAX_HEADER + 10);
    let rows: &[(&str, &str, &str)] = &[
        (
            "just text\r\nmore: text\r\n",
            "\r\n",
            "just text\r\nmore: text\r\n",
        ),
        (
            "A: b\r\n c\r\nno field: x\r\n\r\nd",
            "A: b\r\n c\r\n\r\n",
            "no field: x\r\n\r\nd",
        ),
        ("A: b\nword\n", "A: b\n\r\n", "word\n"),
        ("A: b\r\n: c\r\n", "A: b\r\n\r\n", ": c\r\n"),
        ("A: b\r\n\rc\r\n", "A: b\r\n\r\n", "\rc\r\n"),
        ("Ä: b\r\n", "\r\n", "Ä: b\r\n"),
        (" A: b\r\n", "\r\n", " A: b\r\n"),
        (&long, "\r\n", &long),
        // As it was.
        (
            "A : b\r\n\t\r\nB:\r\n\r\nno field",
            "A : b\r\n\t\r\nB:\r\n\r\n",
            "no field",
        ),
        (
            ">From x y\r\nFrom x y\r\nA: b\n\nc",
            ">From x y\r\nFrom x y\r\nA: b\n\n",
            "c",
        ),
        ("\r\nA: b\r\n", "\r\n", "A: b\r\n"),
        ("A: b\r\nword", "A: b\r\nword", ""),
        ("A: b\r\n", "A: b\r\n", ""),
    ];
    for &(message, header, text) in rows {
        for size in [1, 2, 3, 5, 7, message.len()] {
            let found = split(message.as_bytes(), size);
            assert!(found.0 == header.as_bytes(), "{message:.40?} by {size}");
            assert!(found.1 == text.as_bytes(), "{message:.40?} by {size}");
            let whole = scan(&[header, text].concat().into_bytes());
            assert!(found.2 == whole, "{message:.40?} by {size}");
        }
    }
    let (_, _, scanned) = split(b"just text\r\nmore text\r\n", 4);
    assert_eq!(scanned.summary.lines, 2);
    assert_eq!(
        (
            scanned.summary.parts[0].body_start,
            scanned.summary.parts[0].end
        ),
        (2, 24)
    );
}

#[test]
fn parts_beyond_the_limit_belong_to_the_last() {
    let mut message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for _ in 0..MAX_PARTS + 50 {
        message.extend_from_slice(b"--b\r\n\r\nx\r\n");
    }
    let parts = scan(&message).summary.parts;
    assert_eq!(parts.len(), MAX_PARTS);
    assert_eq!(parts.last().unwrap().end, message.len() as u64);
}

#[test]
fn what_lies_too_deep_is_opaque() {
    let mut message = Vec::new();
    for level in 0..MAX_DEPTH + 20 {
        message.extend_from_slice(
            format!("Content-Type: multipart/mixed; boundary=b{level}.\r\n\r\n--b{level}.\r\n")
                .as_bytes(),
        );
    }
    let summary = scan(&message).summary;
    assert_eq!(summary.parts.len(), MAX_DEPTH);
    assert_eq!(
        summary.parts.last().unwrap().media_type,
        "application/octet-stream"
    );

    let nested = b"Content-Type: message/rfc822\r\n\r\n".repeat(MAX_DEPTH + 20);
    let deepest = scan(&nested).summary.parts.pop().unwrap();
    assert_eq!(deepest.media_type, "application/octet-stream");
}

/// Octets of a summary as it travels, about: strings, and what stands around each part.
fn weight(summary: &Summary) -> usize {
    let part = |part: &Part| {
        let languages: usize = part.languages.iter().map(|tag| tag.len() + 2).sum();
        50 + 2 * part.path.len()
            + part.media_type.len()
            + part.charset.len()
            + part.encoding.len()
            + part.filename.len()
            + part.disposition.len()
            + part.location.len()
            + languages
    };
    let ids = |ids: &[Bytes]| ids.iter().map(|id| id.len() + 4).sum::<usize>();
    summary.envelope.len()
        + summary.body_structure.len()
        + summary.body.len()
        + summary.parts.iter().map(part).sum::<usize>()
        + ids(&summary.in_reply_to)
        + ids(&summary.references)
}

/// Every list and string of an IMAP structure ends.
fn is_balanced(wire: &[u8]) -> bool {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&octet) = wire.get(at) {
        match octet {
            b'(' => depth += 1,
            b')' if depth == 0 => return false,
            b')' => depth -= 1,
            b'"' => {
                at += 1;
                while let Some(&octet) = wire.get(at)
                    && octet != b'"'
                {
                    at += 1 + usize::from(octet == b'\\');
                }
            }
            b'{' => {
                let end = at + wire[at..].iter().position(|&octet| octet == b'}').unwrap();
                let length: usize = std::str::from_utf8(&wire[at + 1..end])
                    .unwrap()
                    .parse()
                    .unwrap();
                at = end + 2 + length;
            }
            _ => {}
        }
        at += 1;
    }
    depth == 0
}

#[test]
fn i7_no_message_makes_a_summary_larger_than_its_bound() {
    let groups = |octets: usize| ":;".repeat(octets / 2);
    let nested = |octets: usize, times: usize| {
        format!(
            "Content-Type: message/rfc822\r\nFrom: {}\r\n\r\n",
            groups(octets)
        )
        .repeat(times)
    };
    let parts = |header: &str, times: usize| {
        let part = format!("--b\r\n{header}\r\n\r\nx\r\n");
        format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
            part.repeat(times)
        )
    };
    let deep: String = (0..90)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
        .collect();
    let deep = format!("{deep}{}", "--b89\r\n\r\nx\r\n".repeat(MAX_PARTS));
    let messages = [
        format!("To: {}\r\n\r\n", groups(120_000)),
        format!("From: {}\r\nTo: {0}\r\n\r\n", groups(60_000)),
        nested(60_000, 3),
        nested(60_000, 17),
        nested(200, MAX_PARTS),
        format!("Subject: {}\r\n\r\n", "\"".repeat(120_000)),
        parts(&format!("Content-Description: {}", "x".repeat(30_000)), 200),
        parts(
            &format!(
                "Content-Type: {0}/{0}; {0}=\"{1}\"",
                "y".repeat(200),
                "\\\"".repeat(50)
            ),
            MAX_PARTS,
        ),
        parts("Content-Language: a,b,c,d,e,f,g,h", MAX_PARTS + 50),
        parts("Content-Type: message/rfc822\r\n\r\nSubject: s", MAX_PARTS),
        format!("References: {}\r\n\r\n", "<a@b>".repeat(20_000)),
        format!(
            "References: {0}\r\nIn-Reply-To: {0}\r\n\r\n",
            format!("<{}@b>", "a".repeat(990)).repeat(60)
        ),
        // Octets of which decoding makes three times as many.
        parts(
            &format!(
                "Content-Disposition: attachment; filename=\"{}\"",
                "\u{1}\u{7f}".repeat(80)
            ),
            MAX_PARTS,
        ),
        parts(
            &format!(
                "Content-Type: a/b; name*=utf-8''{}\r\nContent-Location: {}",
                "%FF".repeat(100),
                "l".repeat(100)
            ),
            MAX_PARTS,
        ),
        deep,
    ];
    for (number, message) in messages.iter().enumerate() {
        let summary = scan(message.as_bytes()).summary;
        let octets = weight(&summary);
        assert!(octets < MAX_SUMMARY * 9 / 10, "{number}: {octets}");
        for wire in [&summary.envelope, &summary.body_structure, &summary.body] {
            assert!(is_balanced(wire), "{number}");
        }
    }
}

#[test]
fn a_thousand_named_attachments_keep_their_names() {
    let mut message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for n in 0..1_000 {
        message.extend_from_slice(
            format!(
                "--b\r\nContent-Type: image/jpeg; name=\"IMG_{n}.jpg\"\r\n\
                 Content-Disposition: attachment; filename=\"IMG_{n}.jpg\"\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
            )
            .as_bytes(),
        );
    }
    let structure = scan(&message).summary.body_structure;
    assert!(memchr::memmem::find(&structure, b"\"filename\" \"IMG_999.jpg\"").is_some());
}

#[test]
fn a_list_of_usual_length_is_whole() {
    let list: Vec<String> = (0..1_500)
        .map(|n| format!("Person {n} <person.{n}@office.example.test>"))
        .collect();
    let message = format!("To: {}\r\n\r\n", list.join(",\r\n "));
    let envelope = scan(message.as_bytes()).summary.envelope;
    assert!(memchr::memmem::find(&envelope, b"\"person.1499\"").is_some());
}

#[test]
fn our_parts_lie_where_another_parser_finds_them() {
    for (name, message) in fixtures() {
        // There we differ on purpose: what is broken is shown, not guessed at.
        if [
            "broken", "boundary", "nested", "digest", "root", "empty", "header",
        ]
        .iter()
        .any(|odd| name.rsplit('/').next().unwrap().contains(odd))
        {
            continue;
        }
        let theirs = mail_parser::MessageParser::default()
            .parse(&message)
            .unwrap();
        let theirs: Vec<(u64, u64)> = theirs
            .parts
            .iter()
            .map(|part| (u64::from(part.offset_header), u64::from(part.offset_body)))
            .collect();
        let mut ours: Vec<(u64, u64)> = scan(&message)
            .summary
            .parts
            .iter()
            .map(|part| (part.header_start, part.body_start))
            .collect();
        ours.dedup();
        assert_eq!(ours, theirs, "{name}");
    }
}

/// Octets that look like mail: the tokens that decide something, in any order.
fn mail_like() -> impl Strategy<Value = Vec<u8>> {
    let tokens = proptest::sample::select(vec![
        &b"\r\n"[..],
        b"\n",
        b"\r",
        b"--a",
        b"--b--",
        b"--b",
        b"--",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n",
        b"Content-Type: multipart/digest; boundary=\"b\"\r\n\r\n",
        b"Content-Type: message/rfc822\r\n\r\n",
        b"Content-Disposition: x; f*0*=%; f*1=\"y",
        b"From: a <b@c>, (d",
        b"Subject: =?utf-8?Q?x",
        b" ",
        b"text",
        b"\xff\x00",
    ]);
    proptest::collection::vec(tokens, 0..60).prop_map(|tokens| tokens.concat())
}

fn check(message: &[u8], cuts: &[usize]) {
    let whole = scan(message);
    let (mut scanner, mut text) = (Scanner::new(), Vec::new());
    let mut rest = message;
    for cut in cuts {
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        text.extend_from_slice(&scanner.push(piece).unwrap());
        rest = after;
    }
    text.extend_from_slice(&scanner.push(rest).unwrap());
    assert_eq!(scanner.finish().unwrap(), whole);
    let stored = [&whole.header[..], &text].concat();
    for part in &whole.summary.parts {
        inside(part, stored.len() as u64);
    }
    if stored != message {
        let header = whole.header.strip_suffix(b"\r\n").unwrap();
        assert_eq!([header, &text].concat(), message);
    }
    from_header_alone(&whole, &text);
    behind_fields(&stored, whole);
}

/// What the header section alone is enough for is the same without the text.
fn from_header_alone(whole: &Scanned, text: &[u8]) {
    let mut scanner = Scanner::new();
    assert_eq!(*scanner.push(&whole.header).unwrap(), *b"");
    if text.is_empty() || !scanner.needs_text() {
        scanner.skip_text(text.len() as u64, whole.summary.lines);
        assert_eq!(scanner.finish().unwrap(), *whole);
    }
}

/// Fields that are put before a message, as a prefix, change nothing but places: it is as if they had come
/// with it.
fn behind_fields(message: &[u8], mut whole: Scanned) {
    let fields = b"Authentication-Results: mail.example.test;\r\n\tspf=pass\r\n";
    let by = fields.len() as u64;
    whole.header = [fields, &whole.header[..]].concat().into();
    for part in &mut whole.summary.parts {
        // Where the message begins, its first part begins too.
        if part.header_start > 0 {
            part.header_start += by;
        }
        part.body_start += by;
        part.end += by;
        part.nested_text_start = part.nested_text_start.map(|start| start + by);
    }
    assert_eq!(whole, scan(&[fields, message].concat()));
}

/// The delimiter follows the empty line of a message within a digest at once.
#[test]
fn a_message_without_text_ends_where_what_holds_it_ends() {
    let message = b"Content-Type: multipart/digest; boundary=b\r\n\r\n\
                    --b\r\n\r\nSubject: x\r\n\r\n--b--\r\n";
    let summary = scan(message).summary;
    for part in &summary.parts {
        inside(part, message.len() as u64);
    }
    let inner = summary.parts.last().unwrap();
    assert_eq!(inner.body_start, inner.end);
}

fn inside(part: &Part, size: u64) {
    assert!(part.header_start <= part.body_start, "{part:?}");
    assert!(part.body_start <= part.end, "{part:?}");
    assert!(part.end <= size, "{part:?}");
    if let Some(text) = part.nested_text_start {
        assert!((part.body_start..=part.end).contains(&text), "{part:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_octets_give_the_same_summary_however_they_are_cut(
        message in proptest::collection::vec(any::<u8>(), 0..400),
        cuts in proptest::collection::vec(0_usize..60, 0..12),
    ) {
        check(&message, &cuts);
    }

    #[test]
    fn anything_like_mail_gives_the_same_summary_however_it_is_cut(
        message in mail_like(),
        cuts in proptest::collection::vec(0_usize..40, 0..40),
    ) {
        check(&message, &cuts);
    }
}
