//! What is more than is looked at is refused, and costs no more than it may.

use super::*;
use crate::{MAX_HEADER, MAX_PARTS};

fn unclear(message: &[u8]) -> bool {
    let refused = matches!(refuse(message), Err(Blocked::Unclear(_)));
    assert_eq!(refused, matches!(strip(message), Err(Blocked::Unclear(_))));
    refused
}

#[test]
fn parts_boundaries_names_and_headers_have_limits() {
    let parts = "--b\r\n\r\n".repeat(MAX_PARTS + 1);
    assert!(unclear(&with_part(parts.as_bytes())));
    let boundaries: String = (0..1_001)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=x{n}\r\n\r\n--b\r\n"))
        .collect();
    assert!(unclear(&with_part(boundaries.as_bytes())));
    let names: String = (0..300).map(|n| format!("; name=a{n}.txt")).collect();
    let header = format!("Content-Type: text/plain{names}\r\n\r\n");
    assert!(unclear(&with_part(header.as_bytes())));
    let header = "Content-Type: text/plain\r\n".repeat(51);
    assert!(unclear(&with_part(header.as_bytes())));
    let header = vec![b'x'; MAX_HEADER + 1];
    assert!(unclear(&with_part(&header)));
    let doubtful = "Content-Type: application/pdf\r\n\r\n--bx\r\n".repeat(10);
    assert!(unclear(&with_part(doubtful.as_bytes())));
}

#[test]
fn an_encoded_message_may_be_longer_than_a_header_section() {
    let text = [
        b"Subject: long\r\n\r\n".to_vec(),
        vec![b'x'; 2 * MAX_HEADER],
    ]
    .concat();
    let header = "Content-Type: message/rfc822\r\n";
    assert!(refuse(&with_base64(header, &text)).is_ok());
}

#[test]
fn encoded_messages_within_each_other_have_a_limit() {
    let mut message = b"Content-Type: application/x-msdownload\r\n\r\nMZ\r\n".to_vec();
    for depth in 0..5 {
        let seen = refuse(&message);
        match depth {
            0..=3 => assert!(
                matches!(seen, Err(Blocked::Attachment { .. })),
                "{depth}: {seen:?}"
            ),
            _ => assert!(
                matches!(seen, Err(Blocked::Unclear(_))),
                "{depth}: {seen:?}"
            ),
        }
        message = [
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n",
            base64(&message).as_slice(),
        ]
        .concat();
    }
}

#[test]
fn a_part_that_is_too_long_to_be_held_is_refused_and_one_that_shows_itself_early_is_not() {
    let mut content = vec![0; MAX_HELD];
    content.extend_from_slice(b"PK\x03\x04");
    content.extend_from_slice(&[0; 22]);
    content.extend_from_slice(&[5, 0, 0, 0]);
    content.extend_from_slice(b"a.exe");
    let message = with_base64("Content-Type: application/octet-stream\r\n", &content);
    assert!(matches!(
        strip(&message),
        Err(Blocked::Attachment { kept: Some(_), .. })
    ));
    content.splice(..2, *b"MZ");
    let message = with_base64("Content-Type: application/octet-stream\r\n", &content);
    let (passed, removed) = strip(&message).unwrap();
    assert!(passed.len() < 1_000, "{}", passed.len());
    assert_eq!(removed.len(), 1);
}

#[test]
fn an_archive_that_unpacks_to_too_much_is_refused() {
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; 70 << 20], 6);
    let mut content = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
    content.extend_from_slice(&[0; 16]);
    content.extend_from_slice(&[5, 0, 0, 0]);
    content.extend_from_slice(b"a.zip");
    content.extend_from_slice(&bomb);
    assert!(unclear(&with_base64(
        "Content-Type: application/zip\r\n",
        &content
    )));
}

/// Each of them alone is within the budget.
#[test]
fn encoded_messages_share_what_their_archives_may_unpack_to() {
    let packed = miniz_oxide::deflate::compress_to_vec(&vec![0; 10 << 20], 6);
    let mut content = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
    content.extend_from_slice(&[0; 16]);
    content.extend_from_slice(&[5, 0, 0, 0]);
    content.extend_from_slice(b"a.zip");
    content.extend_from_slice(&packed);
    let inner = [
        b"Content-Transfer-Encoding: base64\r\nContent-Type: application/zip\r\n\r\n",
        base64(&content).as_slice(),
    ]
    .concat();
    let part = [
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        base64(&inner).as_slice(),
        b"\r\n--b\r\n",
    ]
    .concat();
    assert!(!unclear(&with_part(&part.repeat(3))));
    assert!(unclear(&with_part(&part.repeat(10))));
}

/// The holding back itself: everything passes on but what is in the part that is under way.
#[test]
fn no_more_is_held_than_one_part_up_to_its_limit() {
    let mut screen = Screen::new(Arc::new(Programs), Action::Strip);
    let head = with_part(b"Content-Type: application/pdf\r\n\r\n");
    let head = &head[..head.len() - 9];
    let mut passed = screen.push(head).unwrap().len();
    let mut taken = head.len();
    let piece = [b'x'; 10_000];
    for _ in 0..500 {
        passed += screen.push(&piece).unwrap().len();
        taken += piece.len();
        assert!(taken - passed <= MAX_HELD + head.len() + piece.len());
    }
}
