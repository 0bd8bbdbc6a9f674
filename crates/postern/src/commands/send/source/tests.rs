#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use super::*;

fn trace() -> Trace {
    Trace {
        hostname: "mail.example.test".to_owned(),
        id: "0123456789abcdef".to_owned(),
        at: 1_795_377_600,
    }
}

fn open(text: &'static str) -> Source {
    let sender = ReversePath::parse("eve@example.test").unwrap();
    Source::open(Box::new(text.as_bytes()), &sender, &trace()).unwrap()
}

fn all(mut source: Source) -> String {
    let mut octets = source.header().to_vec();
    while let Some(piece) = source.next().unwrap() {
        octets.extend_from_slice(&piece);
    }
    String::from_utf8(octets).unwrap()
}

const RECEIVED: &str = "Received: by mail.example.test with local id 0123456789abcdef;\r\n Sun, 22 Nov 2026 20:00:00 +0000\r\n";

#[test]
fn a_complete_message_gets_a_received_field_and_crlf() {
    let text = "From: a@x.test\nDate: now\nMessage-ID: <1@x>\nSubject: a\n b\n\nHello\n.\n\nBye";
    assert_eq!(
        all(open(text)),
        format!(
            "{RECEIVED}From: a@x.test\r\nDate: now\r\nMessage-ID: <1@x>\r\nSubject: a\r\n b\r\n\
             \r\nHello\r\n.\r\n\r\nBye\r\n"
        )
    );
}

#[test]
fn what_is_missing_is_added_and_bcc_is_taken_out() {
    assert_eq!(
        all(open(
            "Subject: x\r\nBcc: b@y.test,\r\n c@y.test\r\n\r\nHello\r\n"
        )),
        format!(
            "{RECEIVED}From: eve@example.test\r\nDate: Sun, 22 Nov 2026 20:00:00 +0000\r\n\
             Message-ID: <0123456789abcdef@mail.example.test>\r\nSubject: x\r\n\r\nHello\r\n"
        )
    );
}

#[test]
fn text_without_a_header_section_is_all_text() {
    for (text, expected) in [
        (
            "Hello, Bob\nhow are you?\n",
            "\r\nHello, Bob\r\nhow are you?\r\n",
        ),
        ("Subject: x\nHello\n", "Subject: x\r\n\r\nHello\r\n"),
        ("\nHello\n", "\r\nHello\r\n"),
        ("", "\r\n"),
    ] {
        let all = all(open(text));
        assert!(all.ends_with(&format!(".test>\r\n{expected}")), "{all}");
    }
}

#[test]
fn recipients_are_read_from_the_header() {
    let text = "To: Bob <bob@example.test>, friends: a@x.test, \"b c\"@x.test;\n\
                Cc: eve@BÜCHER.test\nBcc: c@y.test\nSubject: to@nobody\n\nx\n";
    let recipients = open(text).recipients().unwrap();
    let recipients: Vec<_> = recipients.iter().map(ToString::to_string).collect();
    assert_eq!(
        recipients,
        [
            "bob@example.test",
            "a@x.test",
            "\"b c\"@x.test",
            "eve@xn--bcher-kva.test",
            "c@y.test"
        ]
    );
    let error = open("To: bob@\n\nx\n").recipients().unwrap_err();
    assert!(error.starts_with("To names bob@"), "{error}");
}

/// An input that gives one octet at a time.
struct Slow(&'static [u8]);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(1);
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn the_pieces_do_not_matter() {
    let text = "Subject: x\r\nTo: b@y.test\n\nHello\r\nworld\n\rend\r";
    let sender = ReversePath::Null;
    let slow = Source::open(Box::new(Slow(text.as_bytes())), &sender, &trace()).unwrap();
    let fast = Source::open(Box::new(text.as_bytes()), &sender, &trace()).unwrap();
    let slow = all(slow);
    assert_eq!(slow, all(fast));
    assert!(slow.contains("From: MAILER-DAEMON@mail.example.test\r\n"));
}

#[test]
fn an_endless_header_section_is_refused() {
    let sender = ReversePath::Null;
    let endless = io::repeat(b'a');
    let error = Source::open(Box::new(endless), &sender, &trace())
        .err()
        .unwrap();
    assert!(error.to_string().contains("header section"), "{error}");
}
