//! Delivery to mailboxes.

use api::message::v1::content::Text;
use api::queue::v1::{DeliverBy, DeliveryOptions, LeasedMessage, Outcome};

use delivery::Config;

use crate::system::{POLICY, System, message, now_ms};

#[tokio::test]
async fn a_message_to_a_hundred_mailboxes_is_one_batch_with_a_prefix_each() {
    let system = System::local().await;
    let addresses: Vec<String> = (0..100)
        .map(|n| {
            if n % 2 == 0 {
                "Bob@example.test"
            } else {
                "eve@example.test"
            }
            .to_owned()
        })
        .collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    system.queue.give(vec![message(1, &addresses)]).await;
    for id in 1..=100 {
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), Outcome::Delivered);
        assert_eq!(completion.policy_revision, 7);
    }
    assert_eq!(system.mailboxes.seen().batches, [100]);
    let first = system.mailboxes.seen().delivered[0].clone();
    assert_eq!(
        (first.user.as_str(), first.body_id),
        ("bob@example.test", 1)
    );
    assert_eq!(
        &first.prefix[..],
        b"Return-Path: <alice@example.test>\r\nDelivered-To: Bob@example.test\r\n"
    );
    assert_eq!(system.queue.state().requests, 1, "completed together");
    system
        .queue
        .until(|state| (state.credits == 1_100).then_some(()))
        .await;
}

#[tokio::test]
async fn suspicious_mail_goes_to_the_junk_mailbox() {
    let system = System::local().await;
    let plain = message(1, &["bob@example.test"]);
    let mut junk = message(2, &["bob@example.test", "anyone@catch.test"]);
    junk.junk = true;
    system.queue.give(vec![plain, junk]).await;
    for id in 1..=3 {
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), Outcome::Delivered);
    }
    let mut delivered: Vec<_> = system
        .mailboxes
        .seen()
        .delivered
        .iter()
        .map(|one| (one.recipient_id, one.mailbox.clone()))
        .collect();
    delivered.sort();
    let expected = [(1, ""), (2, "Junk"), (3, "Junk")];
    assert_eq!(delivered, expected.map(|(id, name)| (id, name.to_owned())));
}

#[tokio::test]
async fn what_was_released_lives_from_then_on_and_is_dated_so_in_the_mailbox() {
    let system = System::local().await;
    system.mailboxes.faults().full = Some("eve@example.test".to_owned());
    let released_at_ms = now_ms() - 60_000;
    let mut released = message(1, &["bob@example.test", "eve@example.test"]);
    released.received_at_ms = 1;
    released.released_at_ms = released_at_ms;
    system.queue.give(vec![released]).await;
    let delivered = system.queue.completion(1).await;
    assert_eq!(delivered.outcome(), Outcome::Delivered);
    assert_eq!(
        system.mailboxes.seen().delivered[0].received_at_ms,
        released_at_ms
    );
    let full = system.queue.completion(2).await;
    assert_eq!(full.outcome(), Outcome::Retry, "{full:?}");
}

#[tokio::test]
async fn each_recipient_ends_as_its_route_says() {
    let system = System::local().await;
    system.mailboxes.faults().full = Some("eve@example.test".to_owned());
    let addresses = [
        "bob@example.test",
        "unknown@example.test",
        "anyone@catch.test",
        "nobody-knows@example.test",
        "eve@example.test",
        "no address",
    ];
    system.queue.give(vec![message(1, &addresses)]).await;
    let expected = [
        (Outcome::Delivered, "mailbox bob@example.test"),
        (Outcome::Bounced, "5.1.1 "),
        (Outcome::Delivered, "mailbox bob@example.test"),
        (Outcome::Discarded, "discarded by "),
        (Outcome::Retry, "4.2.2 "),
        (Outcome::Bounced, "5.1.3 "),
    ];
    for (id, (outcome, reason)) in (1..).zip(expected) {
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), outcome, "{completion:?}");
        assert!(completion.reason.starts_with(reason), "{completion:?}");
    }
}

#[tokio::test]
async fn i3_what_was_delivered_before_a_stream_broke_is_not_delivered_again() {
    let system = System::local().await;
    system.mailboxes.faults().break_streams = 2;
    system
        .queue
        .give(vec![message(1, &["bob@example.test"])])
        .await;
    let completion = system.queue.completion(1).await;
    assert_eq!(completion.outcome(), Outcome::Delivered);
    // As after a lost completion: the queue leases the recipient again.
    system.queue.state().completions.clear();
    system
        .queue
        .give(vec![message(1, &["bob@example.test"])])
        .await;
    let completion = system.queue.completion(1).await;
    assert_eq!(completion.outcome(), Outcome::Delivered);
    assert_eq!(system.mailboxes.seen().delivered.len(), 1);
}

/// A message to Bob whose lifetime is over, in a lease of this epoch.
fn expired(epoch: u32) -> LeasedMessage {
    let mut message = message(1, &["bob@example.test"]);
    message.received_at_ms = 1;
    message.recipients[0].epoch = epoch;
    message
}

#[tokio::test]
async fn i3_a_lost_answer_is_no_failure_however_late_it_is() {
    let system = System::local().await;
    let mut late = expired(2);
    late.received_at_ms = now_ms();
    late.options = Some(DeliveryOptions {
        deliver_by: Some(DeliverBy {
            deadline_ms: 1,
            or_return: true,
            trace: false,
        }),
        ..DeliveryOptions::default()
    });
    for message in [expired(1), late] {
        system.mailboxes.faults().lose_answers = 1;
        system.queue.give(vec![message.clone()]).await;
        let completion = system.queue.completion(1).await;
        assert_eq!(completion.outcome(), Outcome::Retry, "{completion:?}");
        assert!(completion.retry_at_ms > now_ms(), "not at once");
        assert_eq!(system.mailboxes.seen().delivered.len(), 1);

        let mut again = message;
        again.recipients[0].epoch += 1;
        system.queue.state().completions.clear();
        system.queue.give(vec![again]).await;
        let completion = system.queue.completion(1).await;
        assert_eq!(completion.outcome(), Outcome::Delivered, "{completion:?}");
        assert_eq!(system.mailboxes.seen().delivered.len(), 1);
        system.queue.state().completions.clear();
        system.mailboxes.forget_deliveries();
    }
    let notices = system.queue.state().notices.clone();
    for notice in notices {
        let content = notice.submission.unwrap().content.unwrap();
        let Some(Text::Inline(text)) = content.text else {
            panic!("a notice is small");
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!text.contains("Action: failed"), "{text}");
    }
}

#[tokio::test]
async fn what_mailbox_store_has_said_can_be_the_last_word() {
    let system = System::local().await;
    system.mailboxes.faults().poison = Some("bob@example.test".to_owned());
    system.queue.give(vec![expired(1)]).await;
    let completion = system.queue.completion(1).await;
    assert_eq!(completion.outcome(), Outcome::Bounced, "{completion:?}");
}

#[tokio::test]
async fn one_delivery_that_is_refused_does_not_spoil_its_batch() {
    let system = System::local().await;
    system.mailboxes.faults().poison = Some("eve@example.test".to_owned());
    let addresses = ["bob@example.test", "eve@example.test", "bob@example.test"];
    system.queue.give(vec![message(1, &addresses)]).await;
    for (id, outcome) in [
        (1, Outcome::Delivered),
        (2, Outcome::Retry),
        (3, Outcome::Delivered),
    ] {
        assert_eq!(system.queue.completion(id).await.outcome(), outcome);
    }
}

/// The provider has accepted collected mail long ago, and may have deleted it: the author gets no notice, and
/// the recipient does not end.
#[tokio::test]
async fn collected_mail_without_a_mailbox_waits_and_its_author_is_told_nothing() {
    let system = System::local().await;
    system.mailboxes.faults().full = Some("eve@example.test".to_owned());
    let mut late = message(
        1,
        &[
            "unknown@example.test",
            "eve@example.test",
            "bob@foreign.test",
        ],
    );
    late.collected = true;
    late.received_at_ms = 1;
    system.queue.give(vec![late]).await;
    for (id, reason) in [(1, "4.3.5 "), (2, "4.2.2 "), (3, "4.3.5 ")] {
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), Outcome::Retry, "{completion:?}");
        assert!(completion.reason.starts_with(reason), "{completion:?}");
        assert!(!completion.delay_notified);
    }
    assert!(system.queue.state().notices.is_empty());
}

#[tokio::test]
async fn the_postmaster_gets_collected_mail_that_its_user_cannot() {
    let policy = POLICY.replace("postmaster@example.test", "bob@example.test");
    let system = System::start(&policy, None, Config::default()).await;
    let mut collected = message(1, &["unknown@example.test", "bob@foreign.test"]);
    collected.collected = true;
    system.queue.give(vec![collected]).await;
    for id in [1, 2] {
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), Outcome::Delivered, "{completion:?}");
        assert_eq!(completion.reason, "mailbox bob@example.test");
    }
    let seen = system.mailboxes.seen();
    let prefixes: Vec<_> = seen
        .delivered
        .iter()
        .map(|one| one.prefix.clone())
        .collect();
    drop(seen);
    let names = |address: &str| {
        let field = format!("Delivered-To: {address}\r\n");
        let of = |prefix: &[u8]| prefix.ends_with(field.as_bytes());
        prefixes.iter().any(|prefix| of(prefix))
    };
    assert!(names("unknown@example.test") && names("bob@foreign.test"));
    assert!(system.queue.state().notices.is_empty());
}
