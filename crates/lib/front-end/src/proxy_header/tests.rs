#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use super::*;

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let mut octets = SIGNATURE.to_vec();
    octets.extend([command, family]);
    octets.extend((block.len() as u16).to_be_bytes());
    octets.extend(block);
    octets
}

fn v2_tcp4() -> Vec<u8> {
    let block = [203, 0, 113, 9, 192, 0, 2, 1, 0xdc, 0x04, 0, 25];
    v2(0x21, 0x11, &block)
}

fn v2_tcp6() -> Vec<u8> {
    let mut block = [0; 36];
    block[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    (block[15], block[31], block[35]) = (9, 1, 25);
    block[16..20].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    v2(0x21, 0x21, &block)
}

fn told(octets: &[u8]) -> String {
    match ProxyHeader::read(octets) {
        Ok(Progress::Incomplete) => "incomplete".to_owned(),
        Ok(Progress::Complete(ProxyHeader::Unspecified, length)) => format!("unspecified {length}"),
        Ok(Progress::Complete(
            ProxyHeader::Addresses {
                source,
                destination,
            },
            length,
        )) => format!("{source} {destination} {length}"),
        Err(error) => error.to_string(),
    }
}

/// Complete headers of both versions.
fn complete() -> Vec<(Vec<u8>, &'static str)> {
    let mut with_tlvs = v2(0x21, 0x11, &[203, 0, 113, 9, 192, 0, 2, 1, 0, 1, 0, 25]);
    with_tlvs.extend([0x04, 0, 2, 9, 9]);
    with_tlvs[15] += 5;
    vec![
        (
            b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 25\r\n".to_vec(),
            "203.0.113.9:56324 192.0.2.1:25",
        ),
        (
            b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".to_vec(),
            "255.255.255.255:65535 255.255.255.255:65535",
        ),
        (
            b"PROXY TCP6 2001:db8::9 2001:db8::1 56324 25\r\n".to_vec(),
            "[2001:db8::9]:56324 [2001:db8::1]:25",
        ),
        (
            b"PROXY TCP6 ::ffff:203.0.113.9 ::1 1 25\r\n".to_vec(),
            "203.0.113.9:1 [::1]:25",
        ),
        (b"PROXY UNKNOWN\r\n".to_vec(), "unspecified"),
        (
            b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n".to_vec(),
            "unspecified",
        ),
        (v2_tcp4(), "203.0.113.9:56324 192.0.2.1:25"),
        (v2_tcp6(), "[2001:db8::9]:0 [2001:db8::1]:25"),
        (with_tlvs, "203.0.113.9:1 192.0.2.1:25"),
        // LOCAL, whatever else it says; UNSPEC; a Unix socket.
        (v2(0x20, 0x00, &[]), "unspecified"),
        (v2(0x20, 0x11, &[10, 0, 0, 1]), "unspecified"),
        (v2(0x20, 0xff, &[7; 300]), "unspecified"),
        (v2(0x21, 0x00, &[1, 2, 3]), "unspecified"),
        (v2(0x21, 0x31, &[b'/'; 216]), "unspecified"),
    ]
}

#[test]
fn headers_are_read_however_they_are_cut_and_what_follows_is_left() {
    for (header, expected) in complete() {
        let length = header.len();
        for cut in 0..length {
            assert_eq!(told(&header[..cut]), "incomplete", "{cut} of {header:?}");
        }
        let expected = format!("{expected} {length}");
        assert_eq!(told(&header), expected);
        for following in [
            b"EHLO x\r\n".as_slice(),
            b"\n",
            b"PROXY UNKNOWN\r\n",
            &[0; 99],
        ] {
            assert_eq!(told(&[&header, following].concat()), expected);
        }
    }
}

#[test]
fn what_is_no_header_is_known_at_the_first_octet_that_differs() {
    for text in [
        "EHLO x\r\n",
        "PROXZ",
        "proxy TCP4",
        "\r\n\r\n\0\r\nQUIX",
        "\r\nEHLO",
        "\u{16}",
    ] {
        assert_eq!(
            told(text.as_bytes()),
            "the proxy sent no PROXY header",
            "{text:?}"
        );
    }
    assert_eq!(told(b""), "incomplete");
}

#[test]
fn malformed_lines_are_refused() {
    let long = format!("PROXY UNKNOWN {}", "x".repeat(LONGEST_LINE));
    for line in [
        "PROXY \r\n",
        "PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY tcp4 203.0.113.9 192.0.2.1 1 25\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 1 25\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 1\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 1 25 \r\n",
        "PROXY TCP4  203.0.113.9 192.0.2.1 1 25\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 1 25 x\r\n",
        "PROXY TCP4 203.0.113.09 192.0.2.1 1 25\r\n",
        "PROXY TCP4 203.0.113 192.0.2.1 1 25\r\n",
        "PROXY TCP4 2001:db8::9 2001:db8::1 1 25\r\n",
        "PROXY TCP6 203.0.113.9 192.0.2.1 1 25\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 25\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 65536 25\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 01 25\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 +1 25\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1  25\r\n",
        "PROXY TCP4 0.0.0.0 192.0.2.1 1 25\r\n",
        "PROXY TCP4 224.0.0.1 192.0.2.1 1 25\r\n",
        long.as_str(),
    ] {
        let told = told(line.as_bytes());
        assert!(told.contains("malformed"), "{line:?}: {told}");
    }
}

#[test]
fn malformed_binary_headers_are_refused() {
    let cases = [
        // Another version, another command, UDP, a Unix datagram, an unknown family.
        v2(0x11, 0x11, &[0; 12]),
        v2(0x22, 0x11, &[0; 12]),
        v2(0x21, 0x12, &[1; 12]),
        v2(0x21, 0x32, &[1; 216]),
        v2(0x21, 0x41, &[1; 12]),
        // Cut off, of no length, too long, of nobody.
        v2(0x21, 0x11, &[1; 11]),
        v2(0x21, 0x21, &[1; 35]),
        v2(0x21, 0x11, &[]),
        v2(0x20, 0x00, &[0; LONGEST_BINARY]),
        v2(0x21, 0x11, &[0; 12]),
    ];
    for octets in cases {
        let told = told(&octets);
        assert!(told.contains("malformed"), "{octets:?}: {told}");
    }
}
