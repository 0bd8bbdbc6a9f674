#![allow(clippy::unwrap_used)] // A failing test may panic.

use mail_parser::{MessageParser, MimeHeaders as _, PartType};
use proptest::prelude::*;

use super::*;

fn convert<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, Unconvertible> {
    let mut converter = Converter::new();
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(converter.push(piece)?);
    }
    out.extend_from_slice(converter.finish()?);
    Ok(out)
}

fn whole(message: &[u8]) -> Result<Vec<u8>, Unconvertible> {
    convert([message])
}

/// `message` becomes `expected`, wherever it is cut.
#[track_caller]
fn becomes(message: &[u8], expected: &[u8]) {
    for step in 1..=message.len() {
        let converted = convert(message.chunks(step)).unwrap();
        assert_eq!(
            converted.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "by {step}"
        );
    }
}

#[test]
fn a_message_that_is_binary_as_a_whole_becomes_base64() {
    becomes(
        b"Subject: x\r\nContent-Transfer-Encoding:\r\n\tbinary\r\nTo: y\r\n\r\n\0\n\r\rx",
        b"Subject: x\r\nContent-Transfer-Encoding: base64\r\nTo: y\r\n\r\nAAoNDXg=\r\n",
    );
    // There is nothing to encode.
    let empty = b"content-transfer-encoding: BINARY\r\n\r\n";
    becomes(empty, b"Content-Transfer-Encoding: base64\r\n\r\n");
}

#[test]
fn leaves_become_base64_and_what_holds_them_8bit() {
    becomes(
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n\
          before\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\r\n--bx\r\n-\r\n\r\n--b \r\n\
          Content-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n\
          Subject: inside\r\nContent-Transfer-Encoding: binary\r\n\r\n\xff\r\n--b\r\n\r\n\
          text\r\n\r\n--b--\r\nbehind",
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
          before\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAA0KLS1ieA0KLQ0K\r\n--b \r\n\
          Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
          Subject: inside\r\nContent-Transfer-Encoding: base64\r\n\r\n/w==\r\n--b\r\n\r\n\
          text\r\n\r\n--b--\r\nbehind",
    );
}

#[test]
fn only_a_line_of_its_own_ends_a_binary_part() {
    // LF alone, CR alone, other words behind it, no line break before it.
    for inside in [
        "x\n--b\r\nx",
        "x\r--b\r\n",
        "\r\n--bb\r\n",
        "x--b\r\n",
        "\r\n--b\nx",
    ] {
        let message = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\nContent-Transfer-Encoding: binary\r\n\r\n{inside}\r\n--b--\r\n"
        );
        let expected = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
            encoded(inside.as_bytes())
        );
        becomes(message.as_bytes(), expected.as_bytes());
    }
}

fn encoded(content: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(content)
}

#[test]
fn parts_without_a_body_or_an_end_are_as_they_are() {
    for (message, expected) in [
        (
            "--b\r\nE: binary\r\n\r\n--b--",
            "--b\r\nE: base64\r\n\r\n--b--",
        ),
        (
            "--b\r\nE: binary\r\n--b--\r\n",
            "--b\r\nE: base64\r\n--b--\r\n",
        ),
        (
            "--b\r\nE: binary\r\n\r\nx",
            "--b\r\nE: base64\r\n\r\neA==\r\n",
        ),
        (
            "--b\r\nE: binary\r\n\r\nx\r\n",
            "--b\r\nE: base64\r\n\r\neA0K\r\n",
        ),
        (
            "--b\r\nE: binary\r\n\r\n\r",
            "--b\r\nE: base64\r\n\r\nDQ==\r\n",
        ),
        (
            "--b\r\nE: binary\r\n\r\n\r\n--",
            "--b\r\nE: base64\r\n\r\nDQotLQ==\r\n",
        ),
        ("--b\r\nE: binary", "--b\r\nE: base64\r\n"),
        (
            "--b\r\nE: binary\r\n\r\nx\r\n--b--",
            "--b\r\nE: base64\r\n\r\neA==\r\n--b--",
        ),
    ] {
        let with_header = |text: &str| {
            let text = text.replace("E:", "Content-Transfer-Encoding:");
            format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{text}").into_bytes()
        };
        becomes(&with_header(message), &with_header(expected));
    }
}

#[test]
fn what_is_not_binary_is_not_touched() {
    for message in [
        "Subject: x\r\n\r\ntext\r\n",
        "Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 7bit\r\n\r\nx",
        "Content-Type: multipart/mixed\r\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\nx",
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         Content-Transfer-Encoding: binary\r\n\r\nx",
        "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n\
         Content-Transfer-Encoding: binary\r\n\r\n\0",
    ] {
        becomes(message.as_bytes(), message.as_bytes());
    }
}

#[test]
fn kinds_of_messages_that_must_not_be_encoded_are_not() {
    for kind in [
        "delivery-status",
        "partial",
        "external-body",
        "global-headers",
    ] {
        let message = |encoding: &str| {
            format!(
                "Content-Type: message/{kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\nx: y\r\n"
            )
        };
        becomes(message("binary").as_bytes(), message("8bit").as_bytes());
    }
}

#[test]
fn a_header_section_without_end_gets_one_as_everywhere() {
    becomes(
        b"Content-Transfer-Encoding: binary\r\nno field\r\n\0",
        b"Content-Transfer-Encoding: base64\r\n\r\nbm8gZmllbGQNCgA=\r\n",
    );
}

#[test]
fn what_would_change_its_meaning_is_refused() {
    let sealed = |kind: &str| {
        format!(
            "Content-Type: multipart/{kind}; boundary=b\r\n\r\n--b\r\n\
             Content-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: binary\r\n\r\nx"
        )
    };
    let boundary = format!("boundary={}", "b".repeat(251));
    let unbounded = |boundary: &str| {
        format!(
            "Content-Type: multipart/mixed; {boundary}\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        )
    };
    let nested = |part: &str| {
        format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
            part.repeat(2_100)
        )
    };
    let rows = [
        (sealed("signed"), Unconvertible::Sealed),
        (sealed("encrypted"), Unconvertible::Sealed),
        (
            "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: binary\r\n\r\n"
                .to_owned(),
            Unconvertible::Ambiguous,
        ),
        (
            "Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\
             Content-Transfer-Encoding: binary\r\n\r\n"
                .to_owned(),
            Unconvertible::Ambiguous,
        ),
        (unbounded("x=y"), Unconvertible::NoBoundary),
        (unbounded(&boundary), Unconvertible::NoBoundary),
        (
            "Content-Type: message/rfc822\r\n\r\n".repeat(110),
            Unconvertible::TooDeep,
        ),
        (nested("--b\r\n\r\n"), Unconvertible::TooManyParts),
        (
            format!("Subject: {}\r\n\r\n", "x".repeat(MAX_HEADER)),
            Unconvertible::HeaderTooLarge,
        ),
        (
            nested(&format!(
                "--b\r\nSubject: {}\r\n\r\n",
                "x".repeat(MAX_PART_HEADER)
            )),
            Unconvertible::HeaderTooLarge,
        ),
        (
            nested(&format!("--b{}", " ".repeat(1_000))),
            Unconvertible::DelimiterTooLong,
        ),
    ];
    for (message, why) in rows {
        for step in [1, 7, 100, message.len()] {
            let refused = convert(message.as_bytes().chunks(step));
            assert_eq!(refused, Err(why), "{message:.80?} by {step}");
        }
    }
}

/// A MIME entity.
#[derive(Debug, Clone)]
enum Entity {
    Text(String),
    Binary(Vec<u8>),
    Multipart(Vec<Entity>),
    Message(Box<Entity>),
}

impl Entity {
    /// mail-parser 0.11 loses what stands behind such, or fails an assertion of its own.
    fn has_message_in_message(&self) -> bool {
        fn messages(entity: &Entity) -> usize {
            match entity {
                Entity::Text(_) | Entity::Binary(_) => 0,
                Entity::Multipart(parts) => parts.iter().map(messages).max().unwrap_or(0),
                Entity::Message(inside) => 1 + messages(inside),
            }
        }
        messages(self) > 1
    }

    /// Header section and body; `boundaries` have been used before.
    fn write(&self, boundaries: &mut usize, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                out.extend_from_slice(b"Content-Type: text/plain; charset=us-ascii\r\n\r\n");
                out.extend_from_slice(text.as_bytes());
            }
            Self::Binary(octets) => {
                out.extend_from_slice(
                    b"Content-Type: application/octet-stream\r\n\
                      Content-Transfer-Encoding: binary\r\n\r\n",
                );
                out.extend_from_slice(octets);
            }
            Self::Multipart(parts) => {
                *boundaries += 1;
                let boundary = format!("=_b{boundaries}_end");
                let header = format!(
                    "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\
                     Content-Transfer-Encoding: binary\r\n\r\n"
                );
                out.extend_from_slice(header.as_bytes());
                for part in parts {
                    out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
                    part.write(boundaries, out);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            }
            Self::Message(inside) => {
                out.extend_from_slice(
                    b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                      Subject: inside\r\nMIME-Version: 1.0\r\n",
                );
                inside.write(boundaries, out);
            }
        }
    }

    /// The contents of the leaves, in their order.
    fn leaves(&self, found: &mut Vec<Vec<u8>>) {
        match self {
            Self::Text(text) => found.push(text.clone().into_bytes()),
            Self::Binary(octets) => found.push(octets.clone()),
            Self::Multipart(parts) => parts.iter().for_each(|part| part.leaves(found)),
            Self::Message(inside) => inside.leaves(found),
        }
    }
}

fn entity() -> impl Strategy<Value = Entity> {
    let token = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..20),
        4 => proptest::sample::select(vec![
            "\r\n", "\n", "\r", "\0", "--", "\r\n--", "\r\n--=_b1", "\n--=_b1_", "\r\r\n--=_b2",
            "\r\n--=_b1_x", "Content-Transfer-Encoding: binary\r\n\r\n", "-",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 50..200),
    ];
    let binary = proptest::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat());
    let leaf = prop_oneof![
        1 => "([ -~]{0,20}\r\n){0,4}[ -~]{1,10}".prop_map(Entity::Text),
        3 => binary.prop_map(Entity::Binary),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            3 => proptest::collection::vec(inner.clone(), 1..4).prop_map(Entity::Multipart),
            1 => inner.prop_map(|inside| Entity::Message(Box::new(inside))),
        ]
    })
}

/// The decoded contents of all leaves, as another parser sees them.
fn parsed(message: &mail_parser::Message<'_>, found: &mut Vec<Vec<u8>>) {
    fn part(message: &mail_parser::Message<'_>, id: u32, found: &mut Vec<Vec<u8>>) {
        let this = &message.parts[id as usize];
        match &this.body {
            PartType::Multipart(parts) => parts.iter().for_each(|&id| part(message, id, found)),
            PartType::Message(inside) => parsed(inside, found),
            _ => {
                assert_ne!(this.content_transfer_encoding(), Some("binary"));
                found.push(this.contents().to_vec());
            }
        }
    }
    part(message, 0, found);
}

/// The same by the summary that IMAP answers by.
fn summed_up(message: &[u8], found: &mut Vec<Vec<u8>>) {
    let mut scanner = crate::Scanner::new();
    scanner.push(message).unwrap();
    let parts = scanner.finish().unwrap().summary.parts;
    // The first is the message itself; where it is a leaf, it stands there again as part 1.
    for part in parts.iter().skip(1) {
        if part.media_type.starts_with("multipart/") || part.media_type == "message/rfc822" {
            continue;
        }
        let (start, end) = (part.body_start as usize, part.end as usize);
        let mut content = Vec::new();
        let mut decoder = crate::decode::TransferDecoder::new(&part.encoding);
        decoder.push(&message[start..end], &mut content);
        found.push(content);
    }
}

fn is_text(message: &[u8]) -> bool {
    let lines = message.split_inclusive(|&octet| octet == b'\n');
    lines.into_iter().all(|line| {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        !line
            .iter()
            .any(|octet| matches!(octet, b'\0' | b'\r' | b'\n'))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_content_of_every_leaf_stays_what_it_was(entity in entity(), cut in 1_usize..70) {
        let mut message = b"Subject: x\r\nMIME-Version: 1.0\r\n".to_vec();
        entity.write(&mut 0, &mut message);
        let converted = whole(&message).unwrap();
        prop_assert!(is_text(&converted), "{}", converted.escape_ascii());
        let cut = convert(message.chunks(cut)).unwrap();
        prop_assert_eq!(cut, converted.clone());

        let mut contents = Vec::new();
        entity.leaves(&mut contents);
        let (mut by_parser, mut by_summary) = (Vec::new(), Vec::new());
        if !entity.has_message_in_message() {
            let message = MessageParser::default().parse(&converted).unwrap();
            parsed(&message, &mut by_parser);
            prop_assert_eq!(&by_parser, &contents, "{}", converted.escape_ascii());
        }
        summed_up(&converted, &mut by_summary);
        prop_assert_eq!(&by_summary, &contents, "{}", converted.escape_ascii());
    }

    /// What has been converted has nothing left to convert, and no cut changes anything.
    #[test]
    fn once_is_enough(message in mail_like(), cut in 1_usize..70) {
        let converted = whole(&message);
        prop_assert_eq!(convert(message.chunks(cut)), converted.clone());
        if let Ok(converted) = converted {
            prop_assert_eq!(whole(&converted), Ok(converted.clone()), "{}", message.escape_ascii());
        }
    }
}

/// Octets of what makes a difference.
fn mail_like() -> impl Strategy<Value = Vec<u8>> {
    let token = proptest::sample::select(vec![
        "Content-Type: multipart/mixed; boundary=b\r\n",
        "Content-Type: multipart/digest; boundary=bb\r\n",
        "Content-Type: multipart/signed; boundary=s\r\n",
        "Content-Type: message/rfc822\r\n",
        "Content-Type: message/partial\r\n",
        "Content-Transfer-Encoding: binary\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding : Binary (so)\n",
        " binary\r\n",
        "\r\n",
        "\n",
        "\r",
        "\0",
        "--b\r\n",
        "--b--",
        "--bb \r\n",
        "--s\r\n",
        "--",
        "text",
    ]);
    proptest::collection::vec(token, 0..30).prop_map(|tokens| tokens.concat().into_bytes())
}
