#![allow(clippy::unwrap_used)] // A failing test may panic.

use super::*;
use crate::Scanner;

const HEADER: &[u8] = b"From: eve@example.test\r\nMessage-ID: <1@example.test>\r\n\r\n";

fn example<'a>(recipients: &'a [RecipientStatus<'a>], returned: Returned<'a>) -> Report<'a> {
    Report {
        action: Action::Failed,
        message_id: "9.dsn@mx.example.test",
        at: 837_595_405,
        reporting_mta: "mx.example.test",
        from: "postmaster@example.test",
        to: "eve@example.test",
        envelope_id: "QQ+2B1",
        arrived_at: Some(837_590_000),
        deliver_by: None,
        future_release: "",
        recipients,
        returned,
    }
}

fn failed<'a>() -> RecipientStatus<'a> {
    RecipientStatus {
        address: "bob@other.test",
        original: "rfc822;bob+2Bx@other.test",
        status: "5.1.1",
        explanation: "There is no mailbox of that name.",
        remote_mta: "mx.other.test",
        reply: "550 5.1.1 no\r\nsuch user",
        last_attempt: Some(837_595_405),
        retry_until: None,
    }
}

#[test]
fn a_failure_is_reported_for_people_and_for_machines() {
    let recipients = [failed()];
    let full = Returned::Full {
        header: HEADER,
        text: b"hello\r\n",
    };
    let bytes = report(&example(&recipients, full));
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(
        text,
        include_str!("../../fixtures/dsn/failed.eml").replace('\n', "\r\n")
    );
}

#[test]
fn what_the_sender_asked_of_the_time_stands_in_it() {
    let recipients = [failed()];
    let bytes = report(&Report {
        deliver_by: Some(837_593_600),
        future_release: "for;3600",
        ..example(&recipients, Returned::Headers(HEADER))
    });
    let text = String::from_utf8(bytes).unwrap();
    let fields = "Arrival-Date: Wed, 17 Jul 1996 07:53:20 +0000\r\n\
                  Deliver-By-Date: Wed, 17 Jul 1996 08:53:20 +0000\r\n\
                  Future-Release-Request: for;3600\r\n\r\n";
    assert!(text.contains(fields), "{text}");
}

#[test]
fn a_report_is_a_multipart_of_three() {
    let recipients = [failed()];
    for (returned, third) in [
        (Returned::Headers(HEADER), "text/rfc822-headers"),
        (
            Returned::Full {
                header: HEADER,
                text: "ü".as_bytes(),
            },
            "message/rfc822",
        ),
    ] {
        let mut scanner = Scanner::new();
        scanner
            .push(&report(&example(&recipients, returned)))
            .unwrap();
        let parts = scanner.finish().unwrap().summary.parts;
        let types: Vec<&str> = parts.iter().map(|part| part.media_type.as_str()).collect();
        assert_eq!(
            types[..4],
            [
                "multipart/report",
                "text/plain",
                "message/delivery-status",
                third
            ]
        );
    }
}

#[test]
fn no_content_can_end_a_part() {
    let recipients = [failed()];
    let plain = report(&example(&recipients, Returned::Headers(HEADER)));
    let boundary = b"=0_9dsnmxexampletest";
    assert!(memmem::find(&plain, boundary).is_some());
    let text = b"\r\n--=0_9dsnmxexampletest--\r\n";
    let full = Returned::Full {
        header: HEADER,
        text,
    };
    let guarded = report(&example(&recipients, full));
    assert!(memmem::find(&guarded, b"--=1_9dsnmxexampletest--\r\n").is_some());
}

#[test]
fn an_address_beyond_ascii_is_reported_as_utf8() {
    let recipients = [RecipientStatus {
        address: "jürgen@other.test",
        original: "",
        ..failed()
    }];
    let bytes = report(&example(&recipients, Returned::Headers(HEADER)));
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("Content-Type: message/global-delivery-status\r\n"));
    assert!(text.contains("Final-Recipient: utf-8; jürgen@other.test\r\n"));
    assert!(text.contains("Content-Transfer-Encoding: 8bit\r\n\r\nThis is"));
}
