#![allow(clippy::unwrap_used)] // A failing test may panic.

use proptest::prelude::*;

use super::{TextDecoder, TransferDecoder, date, unstructured};

#[test]
fn header_values_are_decoded() {
    let cases: &[(&str, &str)] = &[
        ("plain", "plain"),
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?ISO-8859-1?q?a=5Fb_c?= d", "a_b c d"),
        ("=?utf-8?B?R3LDvMOf?= =?utf-8?B?ZQ==?=", "Grüße"),
        // A character cut between two words.
        ("=?utf-8?B?w?=\r\n =?utf-8?Q?=BC?=", "\u{fffd}"),
        ("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü"),
        ("a =?utf-8?Q?b?= c =?utf-8?Q?d?=", "a b c d"),
        ("=?x?Y?z?= =?broken", "=?x?Y?z?= =?broken"),
        ("=?utf-8*en?Q?tagged?=", "tagged"),
        ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("folded\r\n value", "folded value"),
    ];
    for (wire, text) in cases {
        assert_eq!(&unstructured(wire.as_bytes()), text, "{wire}");
    }
    assert_eq!(unstructured(b"caf\xe9"), "café");
}

#[test]
fn dates_are_read_as_seconds() {
    let cases: &[(&str, Option<i64>)] = &[
        ("Thu, 01 Jan 1970 00:00:00 +0000", Some(0)),
        ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", Some(837_595_405)),
        ("1 Jan 1970 01:00:00 +0100", Some(0)),
        // RFC 5256 §2.2: an unknown zone, an invalid time, a leap second, no valid day.
        ("1 Jan 1970 01:00:00 XYZ", Some(3_600)),
        ("2 Jan 1970 25:61:61 +0100", Some(82_800)),
        ("31 Dec 1969 23:59:60 +0000", Some(-1)),
        ("0 Jan 1970 00:00:00 +0000", None),
        ("yesterday", None),
        ("", None),
    ];
    for (value, seconds) in cases {
        assert_eq!(date(value.as_bytes()), *seconds, "{value}");
    }
}

#[test]
fn bodies_are_decoded_however_they_are_cut() {
    let cases: &[(&str, &str, &[u8], &str)] = &[
        ("7bit", "us-ascii", b"abc\r\n", "abc\r\n"),
        ("8bit", "utf-8", "grün".as_bytes(), "grün"),
        ("base64", "utf-8", b"Z3L\r\nDvG4=\r\n", "grün"),
        ("base64", "iso-8859-1", b"Z3L8bg", "grün"),
        ("base64", "utf-8", b"YQ==Yg==", "ab"),
        (
            "quoted-printable",
            "utf-8",
            b"gr=C3=BCn =\r\nund=20=3D=\r\n",
            "grün und =",
        ),
        ("quoted-printable", "utf-8", b"a=zb=", "a=zb"),
        ("unknown", "unknown", b"abc", "abc"),
    ];
    for (encoding, charset, body, text) in cases {
        for size in 1..=body.len() {
            let mut decoder = TextDecoder::new(encoding, charset);
            let mut decoded = String::new();
            for piece in body.chunks(size) {
                decoder.push(piece, &mut decoded);
            }
            decoder.finish(&mut decoded);
            assert_eq!(&decoded, text, "{encoding} in pieces of {size}");
        }
    }
}

proptest! {
    #[test]
    fn decoding_never_fails_and_does_not_depend_on_the_pieces(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        cut in 0_usize..200,
        encoding in prop_oneof!["base64", "quoted-printable", "8bit"],
    ) {
        let cut = cut.min(body.len());
        let mut whole = Vec::new();
        TransferDecoder::new(&encoding).push(&body, &mut whole);
        let mut pieces = Vec::new();
        let mut decoder = TransferDecoder::new(&encoding);
        decoder.push(&body[..cut], &mut pieces);
        decoder.push(&body[cut..], &mut pieces);
        prop_assert_eq!(whole, pieces);
        let _ = unstructured(&body);
        let _ = date(&body);
    }
}
