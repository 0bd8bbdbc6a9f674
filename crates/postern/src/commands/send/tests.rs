#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use administration::send::Fate;

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
        text(&enqueued),
        "Message 7 is in the queue for u0@example.test."
    );
    assert!(enqueued.ended_well());

    let delivered = sent(&[Some("delivered"), Some("relayed")], Some(false));
    assert_eq!(
        text(&delivered),
        "Message 7 is in the queue for 2 recipients.\n\
         u0@example.test: delivered (INBOX)\nu1@example.test: relayed (INBOX)"
    );
    assert!(delivered.ended_well());
    assert!(!sent(&[Some("delivered"), Some("bounced")], Some(false)).ended_well());

    let late = sent(&[Some("put off")], Some(true));
    assert!(text(&late).ends_with("see postern queue show 7"));
    assert!(!late.ended_well());
}
