#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use super::*;

fn trace() -> Trace {
    Trace {
        hostname: "mail.example.test".to_owned(),
        full_name: None,
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
    let recipients = open(text).recipients(None).unwrap();
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
    let error = open("To: a@b@c.test\n\nx\n")
        .recipients(None)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("To names both a@b and b@c.test without a comma"),
        "{error}"
    );
    let text = "To: bob@x.test <bob@x.test>, bob . b @ x.test.\n\nx\n";
    let recipients = open(text).recipients(None).unwrap();
    let recipients: Vec<_> = recipients.iter().map(ToString::to_string).collect();
    assert_eq!(recipients, ["bob@x.test", "bob.b@x.test"]);
    let error = open("To: bob@\n\nx\n")
        .recipients(None)
        .unwrap_err()
        .to_string();
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

#[test]
fn a_message_that_goes_round_in_a_circle_is_refused() {
    let sender = ReversePath::Null;
    let open = |hops: usize| {
        let text = "Received: x\n".repeat(hops) + "\ntext\n";
        Source::open(Box::new(io::Cursor::new(text)), &sender, &trace())
    };
    assert!(open(99).is_ok());
    let error = open(100).err().unwrap();
    assert!(error.to_string().contains("circle"), "{error}");
}

#[test]
fn addresses_without_a_domain_get_the_one_that_is_given() {
    let text = "To: root, Bob <bob>, eve@x.test\nCc: \"b c\"\n\nx\n";
    let origin = "example.test".parse().unwrap();
    let recipients = open(text).recipients(Some(&origin)).unwrap();
    let recipients: Vec<_> = recipients.iter().map(ToString::to_string).collect();
    assert_eq!(
        recipients,
        [
            "root@example.test",
            "bob@example.test",
            "eve@x.test",
            "\"b c\"@example.test"
        ]
    );
    assert!(open(text).recipients(None).is_err());
}

#[test]
fn a_message_that_is_sent_again_goes_to_those_it_is_sent_again_to() {
    let text = "Resent-To: eve@x.test\nResent-Bcc: c@y.test\nTo: bob@example.test\n\nx\n";
    let source = open(text);
    let recipients = source.recipients(None).unwrap();
    let recipients: Vec<_> = recipients.iter().map(ToString::to_string).collect();
    assert_eq!(recipients, ["eve@x.test", "c@y.test"]);
    let all = all(source);
    assert!(
        all.contains("Resent-To") && !all.contains("Resent-Bcc"),
        "{all}"
    );
}

#[test]
fn the_authors_name_is_written_as_a_phrase() {
    let from = |name: &str| {
        let trace = Trace {
            full_name: Some(name.to_owned()),
            ..trace()
        };
        let sender = ReversePath::parse("eve@example.test").unwrap();
        let source = Source::open(Box::new("\nx\n".as_bytes()), &sender, &trace).unwrap();
        let header = String::from_utf8(source.header().to_vec()).unwrap();
        let from = header.lines().find(|line| line.starts_with("From: "));
        from.unwrap().to_owned()
    };
    assert!(from("Eve Smith").contains("Eve Smith"));
    assert!(from("Eve Smith").ends_with("<eve@example.test>"));
    assert!(from("Eve (at, home)").contains("\"Eve (at, home)\""));
    assert!(from("Ève").contains("=?utf-8?"));
    assert!(!from("Eve\r\nBcc: x@y.test").contains('\n'));
}

#[test]
fn the_line_that_separates_messages_in_a_file_is_dropped() {
    for mark in ["From bob Tue Nov 24 10:00:00 2026", ">From bob"] {
        let text = format!("{mark}\nSubject: x\n\nFrom bob with love\n");
        let slow = Box::new(Slow(text.leak().as_bytes()));
        let all = all(Source::open(slow, &ReversePath::Null, &trace()).unwrap());
        let expected = "Subject: x\r\n\r\nFrom bob with love\r\n";
        assert!(all.ends_with(expected) && !all.contains(mark), "{all}");
    }
}

#[test]
fn a_from_field_with_a_blank_before_its_colon_is_a_field() {
    let message = all(open("From : a@x.test\nSubject: x\n\ntext\n"));
    assert!(message.contains("From : a@x.test\r\n"), "{message}");
    assert_eq!(message.matches("From").count(), 1, "{message}");
}
