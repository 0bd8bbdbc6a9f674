#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use super::fate::{Fate, Sent};
use super::*;

fn sent(outcomes: &[Option<&'static str>], waiting: Option<bool>) -> Sent {
    let fates = outcomes.iter().enumerate().map(|(n, outcome)| Fate {
        address: format!("u{n}@example.test"),
        outcome: *outcome,
        reason: outcome.map(|_| "INBOX".to_owned()).unwrap_or_default(),
    });
    Sent {
        message: 7,
        recipients: fates.collect(),
        waiting,
    }
}

#[test]
fn what_became_of_the_message_is_said() {
    let enqueued = sent(&[None], None);
    assert_eq!(
        enqueued.text(),
        "Message 7 is in the queue for u0@example.test."
    );
    assert!(enqueued.ended_well());

    let delivered = sent(&[Some("delivered"), Some("relayed")], Some(false));
    assert_eq!(
        delivered.text(),
        "Message 7 is in the queue for 2 recipients.\n\
         u0@example.test: delivered (INBOX)\nu1@example.test: relayed (INBOX)"
    );
    assert!(delivered.ended_well());
    assert!(!sent(&[Some("delivered"), Some("bounced")], Some(false)).ended_well());

    let late = sent(&[Some("put off")], Some(true));
    assert!(late.text().ends_with("see postern queue show 7"));
    assert!(!late.ended_well());
}

#[test]
fn the_postmaster_sends_when_nobody_is_named() {
    let policy =
        Policy::parse("[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"").unwrap();
    let sender = default_sender(&policy).unwrap();
    assert_eq!(sender.to_string(), "postmaster@example.test");
    assert_eq!(
        default_sender(&Policy::parse("").unwrap())
            .unwrap_err()
            .code(),
        2
    );
}

#[test]
fn a_built_message_is_plain_text_in_utf8() {
    let trace = Trace {
        hostname: "mail.example.test".to_owned(),
        full_name: None,
        id: "0123456789abcdef".to_owned(),
        at: 1_795_377_600,
    };
    let built = Composed {
        sender: &ReversePath::parse("eve@example.test").unwrap(),
        recipients: &["bob@example.test".parse().unwrap()],
        subject: "Grüße",
        body: "Es läuft.",
    };
    let built = String::from_utf8(built.write(&trace).unwrap()).unwrap();
    for line in [
        "From: <eve@example.test>\r\n",
        "To: <bob@example.test>\r\n",
        "Subject: =?utf-8?",
        "Message-ID: <0123456789abcdef@mail.example.test>\r\n",
        "Date: Sun, 22 Nov 2026 20:00:00 +0000\r\n",
        "Content-Type: text/plain; charset=\"utf-8\"\r\n",
    ] {
        assert!(built.contains(line), "{line} in\n{built}");
    }
    assert!(built.is_ascii(), "a 7-bit path must carry it");
}
