//! Delivery options: DELIVERBY, MT-PRIORITY, and the lifetime of held messages.

use api::message::v1::content::Text;
use api::queue::v1::{DeliverBy, DeliveryOptions, Derived, LeasedMessage, Notify, Outcome};

use crate::sink::{Manner, Sink, Taken};
use crate::system::{System, message, now_ms};

const HOUR_MS: i64 = 3_600_000;
const ZONE: &str = "other.test A 127.0.0.1";

/// A message with this deadline in milliseconds from now, in this mode.
fn by(first: i64, to: &str, rest_ms: i64, mode: &str) -> LeasedMessage {
    LeasedMessage {
        options: Some(DeliveryOptions {
            deliver_by: Some(DeliverBy {
                deadline_ms: now_ms() + rest_ms,
                or_return: mode.starts_with('R'),
                trace: mode.ends_with('T'),
            }),
            ..DeliveryOptions::default()
        }),
        ..message(first, &[to])
    }
}

async fn remote(extensions: &[&'static str]) -> (System, Sink) {
    let sink = Sink::start(Manner {
        extensions: extensions.to_vec(),
        ..Manner::default()
    })
    .await;
    let system = System::remote(ZONE, sink.address).await;
    (system, sink)
}

fn text(notice: &Derived) -> String {
    let content = notice.submission.as_ref().unwrap().content.as_ref();
    let Some(Text::Inline(text)) = &content.unwrap().text else {
        panic!("a notice is small");
    };
    String::from_utf8(text.to_vec()).unwrap()
}

/// The notice about this recipient, as text.
async fn notice(system: &System, recipient: i64) -> String {
    let of = |notice: &&Derived| notice.recipient_ids == [recipient];
    let found = system
        .queue
        .until(|state| state.notices.iter().find(of).cloned());
    text(&found.await)
}

/// The seconds of BY, and its mode.
fn said_by(taken: &Taken) -> (i64, &str) {
    let value = taken.mail.split(" BY=").nth(1).unwrap();
    let (seconds, mode) = value.split_once(';').unwrap();
    (seconds.parse().unwrap(), mode)
}

#[tokio::test]
async fn what_is_late_and_to_be_returned_is_returned_untried() {
    let (system, sink) = remote(&["DELIVERBY"]).await;
    let local = by(1, "bob@example.test", -1, "R");
    let elsewhere = by(2, "x@other.test", -1, "R");
    system.queue.give(vec![local, elsewhere]).await;
    for id in [1, 2] {
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), Outcome::Bounced);
        assert!(completion.reason.starts_with("5.4.7 "), "{completion:?}");
        let notice = notice(&system, id).await;
        for field in [
            "Action: failed\r\n",
            "Status: 5.4.7\r\n",
            "Arrival-Date: ",
            "Deliver-By-Date: ",
        ] {
            assert!(notice.contains(field), "{field} in {notice}");
        }
    }
    assert_eq!(sink.connections(), 0);
    assert!(system.mailboxes.seen().delivered.is_empty());
}

#[tokio::test]
async fn what_cannot_be_delivered_now_is_looked_at_when_its_time_is_over() {
    let (system, _sink) = remote(&["DELIVERBY"]).await;
    for (id, mode) in [(1, "R"), (2, "N")] {
        let asked = by(id, "later@other.test", 20_000, mode);
        let deadline = asked.options.clone().unwrap().deliver_by.unwrap();
        system.queue.give(vec![asked]).await;
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), Outcome::Retry);
        assert_eq!(completion.retry_at_ms, deadline.deadline_ms, "{mode}");
        assert!(!completion.delay_notified, "{mode}");
    }
}

#[tokio::test]
async fn what_may_be_in_its_mailbox_already_is_not_said_to_have_failed() {
    let (system, _sink) = remote(&[]).await;
    let mut begun = by(1, "bob@example.test", -1, "R");
    // Its last lease expired, and its result is unknown.
    begun.recipients[0].epoch = 2;
    system.queue.give(vec![begun]).await;
    let completion = system.queue.completion(1).await;
    assert_eq!(completion.outcome(), Outcome::Delivered);
}

#[tokio::test]
async fn what_is_late_and_not_to_be_returned_is_told_of_once_and_tried_on() {
    let (system, _sink) = remote(&["DELIVERBY"]).await;
    let mut told = by(2, "later@other.test", -1, "N");
    told.recipients[0].delay_notified = true;
    let late = by(1, "later@other.test", -1, "N");
    system.queue.give(vec![late, told]).await;
    let completion = system.queue.completion(1).await;
    assert_eq!(completion.outcome(), Outcome::Retry);
    assert!(completion.delay_notified);
    let notice = notice(&system, 1).await;
    for field in [
        "Action: delayed\r\n",
        "Status: 4.4.7\r\n",
        "Diagnostic-Code: smtp; 450 4.2.1 later\r\n",
        "Deliver-By-Date: ",
    ] {
        assert!(notice.contains(field), "{field} in {notice}");
    }
    let completion = system.queue.completion(2).await;
    assert_eq!(completion.outcome(), Outcome::Retry);
    assert!(!completion.delay_notified);
    assert_eq!(system.queue.state().notices.len(), 1);
}

#[tokio::test]
async fn the_rest_of_the_time_goes_to_a_server_that_keeps_it() {
    let (system, sink) = remote(&["DELIVERBY", "DSN"]).await;
    let messages = vec![
        by(1, "x@other.test", HOUR_MS, "R"),
        by(2, "y@other.test", -10_000, "N"),
        by(3, "z@other.test", HOUR_MS, "RT"),
    ];
    system.queue.give(messages).await;
    for id in 1..=3 {
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), Outcome::Relayed, "{completion:?}");
    }
    let taken = sink.taken();
    let of = |name: &str| {
        let to = format!("RCPT TO:<{name}@other.test>");
        taken.iter().find(|one| one.recipients == [to.clone()])
    };
    let (seconds, mode) = said_by(of("x").unwrap());
    assert!((3_500..=3_600).contains(&seconds), "{seconds}");
    assert_eq!(mode, "R");
    let (seconds, mode) = said_by(of("y").unwrap());
    assert!((-100..=-10).contains(&seconds), "{seconds}");
    assert_eq!(mode, "N");
    assert_eq!(said_by(of("z").unwrap()).1, "RT");
    // A sender who requests a trace is told about the server, and no other sender is.
    let notice = notice(&system, 3).await;
    assert!(notice.contains("Action: relayed\r\n"), "{notice}");
    assert_eq!(system.queue.state().notices.len(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_keep_the_time_gets_nothing_that_is_to_be_returned() {
    for (extensions, status) in [(vec![], "5.3.3 "), (vec!["DELIVERBY 7200"], "5.4.7 ")] {
        let (system, sink) = remote(&extensions).await;
        let asked = by(1, "x@other.test", HOUR_MS, "R");
        system.queue.give(vec![asked]).await;
        let completion = system.queue.completion(1).await;
        assert_eq!(completion.outcome(), Outcome::Bounced);
        assert!(completion.reason.starts_with(status), "{completion:?}");
        assert!(sink.taken().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_does_not_keep_the_time_is_to_tell_of_delays_and_the_sender_is_told_of_it() {
    let (system, sink) = remote(&["DSN"]).await;
    let mut never = by(2, "y@other.test", HOUR_MS, "NT");
    never.recipients[0].notify = Notify::from_bits(8);
    let asked = by(1, "x@other.test", HOUR_MS, "N");
    system.queue.give(vec![asked, never]).await;
    for id in [1, 2] {
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), Outcome::Relayed);
    }
    let notice = notice(&system, 1).await;
    assert!(notice.contains("Action: relayed\r\n"), "{notice}");
    assert_eq!(system.queue.state().notices.len(), 1);
    let mut said: Vec<String> = sink
        .taken()
        .into_iter()
        .flat_map(|one| one.recipients)
        .collect();
    said.sort();
    assert_eq!(
        said,
        [
            "RCPT TO:<x@other.test> NOTIFY=FAILURE,DELAY",
            "RCPT TO:<y@other.test> NOTIFY=NEVER"
        ]
    );
    assert!(sink.taken().iter().all(|one| !one.mail.contains("BY=")));
}

#[tokio::test]
async fn the_priority_goes_along_where_it_is_understood_and_notices_have_it() {
    let urgent = |id| LeasedMessage {
        options: Some(DeliveryOptions {
            priority: 6,
            ..DeliveryOptions::default()
        }),
        ..message(id, &["x@other.test", "refused@other.test"])
    };
    let (system, sink) = remote(&["MT-PRIORITY MIXER"]).await;
    system.queue.give(vec![urgent(1)]).await;
    system.queue.completion(1).await;
    assert!(sink.taken()[0].mail.ends_with(" MT-PRIORITY=6"));
    let bounced = system
        .queue
        .until(|state| state.notices.first().cloned())
        .await;
    let options = bounced.submission.unwrap().options.unwrap();
    assert_eq!(options.priority, 6);
    // Ordinary mail has a priority too.
    system.queue.give(vec![message(3, &["x@other.test"])]).await;
    system.queue.completion(3).await;
    assert!(sink.taken()[1].mail.ends_with(" MT-PRIORITY=0"));

    let (system, sink) = remote(&[]).await;
    system.queue.give(vec![urgent(1)]).await;
    system.queue.completion(1).await;
    assert!(!sink.taken()[0].mail.contains("PRIORITY"));
}

#[tokio::test]
async fn what_was_held_has_its_whole_life_before_it_and_its_notice_says_that_it_was() {
    let system = System::local().await;
    system.mailboxes.faults().full = Some("eve@example.test".to_owned());
    let held = |id, to: &str| LeasedMessage {
        received_at_ms: now_ms() - 720 * HOUR_MS,
        options: Some(DeliveryOptions {
            future_release: "for;2592000".to_owned(),
            ..DeliveryOptions::default()
        }),
        released_at_ms: now_ms(),
        ..message(id, &[to])
    };
    let messages = vec![held(1, "eve@example.test"), held(2, "unknown@example.test")];
    system.queue.give(messages).await;
    let completion = system.queue.completion(1).await;
    assert_eq!(completion.outcome(), Outcome::Retry);
    assert!(!completion.delay_notified, "it is not late yet");
    assert!((completion.retry_at_ms - now_ms() - 60_000).abs() < 30_000);
    let notice = notice(&system, 2).await;
    let field = "Future-Release-Request: for;2592000\r\n";
    assert!(notice.contains(field), "{notice}");
    assert!(notice.contains("Arrival-Date: "), "{notice}");
}
