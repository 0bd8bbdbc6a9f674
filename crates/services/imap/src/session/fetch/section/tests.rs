use super::*;

/// `prefix` + header + text, with a text part and an attached message.
const MESSAGE: &[u8] = b"P: p\r\n\
    Subject: s\r\nX: 1\r\n 2\r\nsubject: t\r\n\r\n\
    --b\r\nA: 1\r\n\r\none\r\n--b\r\nB: 2\r\n\r\nFrom: x\r\nTo: y\r\n\r\ntwo\r\n--b--\r\n";

const PREFIX: u64 = 6;

fn at(needle: &[u8]) -> u64 {
    let found = MESSAGE
        .windows(needle.len())
        .position(|window| window == needle);
    found.expect("it is there") as u64 - PREFIX
}

fn message() -> FetchedMessage {
    let part = |path: &[u32], header_start, body_start, end, nested_text_start| Part {
        path: path.to_vec(),
        header_start,
        body_start,
        end,
        nested_text_start,
        ..Part::default()
    };
    let text = at(b"--b");
    FetchedMessage {
        size: MESSAGE.len() as u64,
        prefix_size: 6,
        header: Bytes::copy_from_slice(&MESSAGE[..(text + PREFIX) as usize]),
        parts: vec![
            part(&[], 0, text, MESSAGE.len() as u64 - PREFIX, None),
            part(&[1], at(b"A: 1"), at(b"one"), at(b"\r\n--b\r\nB"), None),
            part(
                &[2],
                at(b"B: 2"),
                at(b"From"),
                at(b"\r\n--b--"),
                Some(at(b"two")),
            ),
        ],
        ..FetchedMessage::default()
    }
}

fn octets(section: &Section) -> Option<String> {
    let slice = |range: Range<u64>| &MESSAGE[range.start as usize..range.end as usize];
    let octets = match locate(section, &message()) {
        Located::Octets(octets) => octets,
        Located::Range(range) => Bytes::copy_from_slice(slice(range)),
        Located::Fields(range, fields) => fields.of(slice(range)),
        Located::Nowhere => return None,
    };
    Some(String::from_utf8_lossy(&octets).into_owned())
}

fn path(numbers: &[u32]) -> Vec<NonZeroU32> {
    let number = |&number| NonZeroU32::new(number).expect("above 0");
    numbers.iter().map(number).collect()
}

fn names(names: &[&'static str]) -> Vec<Bytes> {
    names
        .iter()
        .map(|name| Bytes::from_static(name.as_bytes()))
        .collect()
}

#[test]
fn sections_of_the_message() {
    let section = |text| octets(&Section::Message(text));
    assert_eq!(
        octets(&Section::Whole).map(|all| all.len()),
        Some(MESSAGE.len())
    );
    let header = section(SectionText::Header).expect("a header");
    assert!(header.starts_with("P: p\r\nSubject") && header.ends_with("t\r\n\r\n"));
    let text = section(SectionText::Text).expect("a text");
    assert!(text.starts_with("--b\r\nA") && text.ends_with("--b--\r\n"));
    assert_eq!(
        section(SectionText::HeaderFields(names(&["SUBJECT", "x-none"]))).as_deref(),
        Some("Subject: s\r\nsubject: t\r\n\r\n")
    );
    assert_eq!(
        section(SectionText::HeaderFieldsNot(names(&["subject"]))).as_deref(),
        Some("P: p\r\nX: 1\r\n 2\r\n\r\n")
    );
}

#[test]
fn sections_of_parts() {
    assert_eq!(octets(&Section::Part(path(&[1]))).as_deref(), Some("one"));
    assert_eq!(
        octets(&Section::Mime(path(&[1]))).as_deref(),
        Some("A: 1\r\n\r\n")
    );
    assert_eq!(
        octets(&Section::Part(path(&[2]))).as_deref(),
        Some("From: x\r\nTo: y\r\n\r\ntwo")
    );
    assert_eq!(octets(&Section::Part(path(&[3]))), None);
}

#[test]
fn sections_of_a_message_within() {
    let section = |number, text| octets(&Section::Nested(path(&[number]), text));
    assert_eq!(section(2, SectionText::Text).as_deref(), Some("two"));
    assert_eq!(
        section(2, SectionText::Header).as_deref(),
        Some("From: x\r\nTo: y\r\n\r\n")
    );
    assert_eq!(
        section(2, SectionText::HeaderFields(names(&["to"]))).as_deref(),
        Some("To: y\r\n\r\n")
    );
    assert_eq!(section(1, SectionText::Text), None);
}
