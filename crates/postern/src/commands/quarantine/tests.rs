#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use api::queue::v1::{Quarantined, QueuedMessage, QueuedRecipient};
use jiff::tz::TimeZone;

use super::*;

#[test]
fn what_is_in_quarantine_is_listed_with_its_reason() {
    let times = Times {
        now: "2026-11-22T20:00:00Z".parse().unwrap(),
        zone: TimeZone::UTC,
    };
    let now = times.now.as_millisecond();
    let to = |address: &str| QueuedRecipient {
        address: address.to_owned(),
        ..QueuedRecipient::default()
    };
    let message = QueuedMessage {
        message_id: 1042,
        reverse_path: "a@x.test".to_owned(),
        size: 4096,
        received_at_ms: now - 60_000,
        recipients: vec![to("bob@example.test"), to("eve@example.test")],
        subject: "Your \u{1b}[2Jaccount".to_owned(),
        quarantine: Some(Quarantined {
            reason: "dmarc-quarantine: DMARC is `fail` for \"x.test\"".to_owned(),
            until_ms: now + 86_400_000,
        }),
        ..QueuedMessage::default()
    };
    assert_eq!(
        table(&[Message::from(message)], &times),
        "MESSAGE  ARRIVED              REMOVED  SIZE   SENDER    RECIPIENTS                   SUBJECT           BECAUSE\n   \
         1042  2026-11-22 19:59:00  in 1 d   4 KiB  a@x.test  bob@example.test and 1 more  Your \u{fffd}[2Jaccount  \
         dmarc-quarantine: DMARC is `fail` for \"x.test\""
    );
    assert_eq!(table(&[], &times), "The quarantine is empty.");
}
