#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use administration::queue::{Child, Parent};
use api::queue::v1::{
    Component, DeliverBy, DeliveryOptions, Derivation, DerivedKind, HistoryEvent,
    Origin as QueueOrigin, Outcome as End, Quarantined, QueuedMessage, QueuedRecipient,
};
use jiff::tz::TimeZone;

use super::*;

const NOW: &str = "2026-11-22T20:00:00Z";

fn times() -> Times {
    Times {
        now: NOW.parse().unwrap(),
        zone: TimeZone::UTC,
    }
}

fn at(seconds: i64) -> i64 {
    times().now.as_millisecond() + seconds * 1000
}

fn message() -> QueuedMessage {
    let waits = QueuedRecipient {
        address: "a@slow.test".to_owned(),
        attempts: 2,
        due_at_ms: at(300),
        last_reason: "connection refused".to_owned(),
        ..QueuedRecipient::default()
    };
    let under_way = QueuedRecipient {
        address: "bob@example.test".to_owned(),
        leased: true,
        due_at_ms: at(30),
        ..QueuedRecipient::default()
    };
    QueuedMessage {
        message_id: 1042,
        reverse_path: String::new(),
        size: 4096,
        received_at_ms: at(-60),
        recipients: vec![waits, under_way],
        origin: Some(QueueOrigin {
            component: Component::Smtp.into(),
            peer_address: "203.0.113.9".to_owned(),
            trust: "external-listener".to_owned(),
            ..QueueOrigin::default()
        }),
        subject: "Hello".to_owned(),
        quarantine: None,
        options: None,
        released_at_ms: 0,
    }
}

fn story_of(message: i64, waiting: Option<Message>, history: Vec<Event>) -> Story {
    Story {
        message,
        waiting,
        parent: None,
        children: Vec::new(),
        more_children: false,
        history,
    }
}

#[test]
fn what_is_in_quarantine_says_so_and_is_not_tried() {
    let mut message = message();
    message.recipients.truncate(1);
    message.recipients[0] = QueuedRecipient {
        address: "bob@example.test".to_owned(),
        due_at_ms: at(86_400),
        ..QueuedRecipient::default()
    };
    message.quarantine = Some(Quarantined {
        reason: "dmarc-quarantine: DMARC is `fail` for \"x.test\"".to_owned(),
        until_ms: at(86_400),
    });
    let message = Message::from(message);
    let listed = table(std::slice::from_ref(&message), &times());
    assert!(
        listed.ends_with("bob@example.test  in quarantine"),
        "{listed}"
    );
    let shown = waiting(&message, &times());
    assert!(
        shown.ends_with(
            "Quarantine dmarc-quarantine: DMARC is `fail` for \"x.test\"\n\
             Removed    2026-11-23 20:00:00, unless it is released\n\
             Waits for  bob@example.test (in quarantine)\n"
        ),
        "{shown}"
    );
    let json = serde_json::to_value(&message).unwrap();
    assert_eq!(json["quarantine"]["until"], "2026-11-23T20:00:00Z");
}

fn delivered() -> HistoryEvent {
    HistoryEvent {
        at_ms: at(-10),
        address: "eve@example.test".to_owned(),
        reverse_path: "a@x.test".to_owned(),
        outcome: End::Relayed.into(),
        reason: "[delivery] remote".to_owned(),
        server: "mx.y.test".to_owned(),
        reply: "250 OK".to_owned(),
        ..HistoryEvent::default()
    }
}

#[test]
fn a_list_has_a_line_for_each_recipient() {
    assert_eq!(
        table(&[Message::from(message())], &times()),
        "\
MESSAGE  ARRIVED              SIZE   SENDER  RECIPIENT         NEXT
   1042  2026-11-22 19:59:00  4 KiB  <>      a@slow.test       in 5 min, 2 tried: connection refused
                                             bob@example.test  under way"
    );
    assert_eq!(table(&[], &times()), "Nothing waits.");
}

#[test]
fn a_message_that_waits_is_shown_with_its_history() {
    let found = story_of(
        1042,
        Some(Message::from(message())),
        vec![Event::from(delivered())],
    );
    assert_eq!(
        story(&found, &times()),
        "\
Message    1042
Subject    Hello
Sender     <>
Arrived    2026-11-22 19:59:00
Size       4 KiB
Origin     smtp, from 203.0.113.9, trust: external-listener
Waits for  a@slow.test (in 5 min, 2 tried: connection refused)
Waits for  bob@example.test (under way)

AT                   RECIPIENT         OUTCOME  WHY
2026-11-22 19:59:50  eve@example.test  relayed  [delivery] remote; mx.y.test said 250 OK"
    );
}

#[test]
fn what_the_sender_asked_is_shown() {
    let mut message = message();
    message.options = Some(DeliveryOptions {
        deliver_by: Some(DeliverBy {
            deadline_ms: at(7200),
            or_return: true,
            trace: false,
        }),
        priority: -3,
        future_release: "for;3600".to_owned(),
    });
    message.released_at_ms = at(3600);
    let found = story_of(1042, Some(Message::from(message)), Vec::new());
    let text = story(&found, &times());
    let asked = "\
Size       4 KiB
Held until 2026-11-22 21:00:00
Deliver by 2026-11-22 22:00:00, else it is returned
Priority   -3
Origin     smtp";
    assert!(text.contains(asked), "{text}");
    let json = serde_json::to_value(&found).unwrap();
    let waiting = &json["waiting"];
    assert_eq!(waiting["held_until"], "2026-11-22T21:00:00Z");
    assert_eq!(waiting["deliver_by"]["at"], "2026-11-22T22:00:00Z");
    assert_eq!(waiting["deliver_by"]["or_return"], true);
    assert_eq!(waiting["priority"], -3);
}

#[test]
fn a_message_that_has_left_is_shown_too() {
    let found = story_of(7, None, vec![Event::from(delivered())]);
    let text = story(&found, &times());
    assert!(text.starts_with("Message 7 from a@x.test has left the queue.\n\nAT "));
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["waiting"], serde_json::Value::Null);
    assert_eq!(json["history"][0]["outcome"], "relayed");
    assert_eq!(json["history"][0]["at"], "2026-11-22T19:59:50Z");
}

#[test]
fn what_a_message_was_made_of_and_what_was_made_of_it_is_shown() {
    let derivation = |message_id, parent_id, kind: DerivedKind| Derivation {
        at_ms: at(-10),
        message_id,
        parent_id,
        kind: kind.into(),
        recipient_ids: Vec::new(),
    };
    let found = Story {
        parent: Some(Parent::from(&derivation(7, 5, DerivedKind::Forward))),
        children: vec![Child::from(&derivation(8, 7, DerivedKind::Notice))],
        ..story_of(7, None, vec![Event::from(delivered())])
    };
    let text = story(&found, &times());
    let relatives =
        "left the queue.\nParent     message 5 (forward)\nChild      message 8 (notice)\n\nAT";
    assert!(text.contains(relatives), "{text}");
    let many = Story {
        more_children: true,
        ..found.clone()
    };
    let text = story(&many, &times());
    assert!(
        text.contains("message 8 (notice)\n           and more\n\nAT"),
        "{text}"
    );
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["parent"]["message"], 5);
    assert_eq!(json["parent"]["kind"], "forward");
    assert_eq!(json["children"][0]["message"], 8);
    assert_eq!(json["children"][0]["kind"], "notice");
}
