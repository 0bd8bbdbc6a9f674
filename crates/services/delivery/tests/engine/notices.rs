//! Notices to senders.

use api::message::v1::content::Text;
use api::queue::v1::{Derived, Notify, Outcome};

use crate::system::{System, message, now_ms};

const HOUR_MS: i64 = 3_600_000;

pub(crate) fn text(notice: &Derived) -> String {
    let content = notice
        .submission
        .as_ref()
        .unwrap()
        .content
        .as_ref()
        .unwrap();
    let Some(Text::Inline(text)) = &content.text else {
        panic!("a notice is small");
    };
    assert_eq!(content.text_size, text.len() as u64);
    String::from_utf8([&content.header[..], text].concat()).unwrap()
}

#[tokio::test]
async fn recipients_that_fail_together_are_told_of_together() {
    let system = System::local().await;
    let addresses = [
        "unknown@example.test",
        "bob@example.test",
        "strange@example.test",
    ];
    system.queue.give(vec![message(1, &addresses)]).await;
    let notice = system
        .queue
        .until(|state| state.notices.first().cloned())
        .await;
    assert_eq!(notice.recipient_ids, [1, 3]);
    let submission = notice.submission.as_ref().unwrap();
    assert_eq!(
        submission.reverse_path, "",
        "nobody is told of a notice that fails"
    );
    assert_eq!(submission.recipients[0].address, "alice@example.test");
    assert_eq!(
        submission
            .content
            .as_ref()
            .unwrap()
            .summary
            .as_ref()
            .unwrap()
            .parts
            .len(),
        5
    );
    let text = text(&notice);
    for part in [
        "From: Mail Delivery System <postmaster@example.test>\r\n",
        "Final-Recipient: rfc822; unknown@example.test\r\n",
        "Final-Recipient: rfc822; strange@example.test\r\n",
        "Status: 5.1.1\r\n",
        "Content-Type: message/rfc822\r\n",
        "\r\n.text\r\n",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(
        system.queue.completion(2).await.outcome(),
        Outcome::Delivered
    );
}

#[tokio::test]
async fn nobody_is_told_who_is_not_there_or_does_not_want_to_be() {
    let system = System::local().await;
    let mut notice = message(1, &["unknown@example.test"]);
    notice.reverse_path.clear();
    let mut never = message(2, &["unknown@example.test"]);
    never.recipients[0].notify = Notify::from_bits(8);
    system.queue.give(vec![notice, never]).await;
    for id in [1, 2] {
        assert_eq!(
            system.queue.completion(id).await.outcome(),
            Outcome::Bounced
        );
    }
    assert!(system.queue.state().notices.is_empty());
}

#[tokio::test]
async fn a_late_message_is_told_of_once_and_returned_when_its_time_is_up() {
    let system = System::local().await;
    system.mailboxes.faults().full = Some("eve@example.test".to_owned());
    let mut late = message(1, &["eve@example.test"]);
    late.received_at_ms = now_ms() - 5 * HOUR_MS;
    let mut told = message(2, &["eve@example.test"]);
    told.received_at_ms = late.received_at_ms;
    told.recipients[0].delay_notified = true;
    let mut over = message(3, &["eve@example.test"]);
    over.received_at_ms = now_ms() - 121 * HOUR_MS;
    system.queue.give(vec![late, told, over]).await;
    let first = system.queue.completion(1).await;
    assert_eq!(first.outcome(), Outcome::Retry);
    assert!(first.delay_notified);
    let second = system.queue.completion(2).await;
    assert_eq!(
        (second.outcome(), second.delay_notified),
        (Outcome::Retry, false)
    );
    assert!((second.retry_at_ms - now_ms() - 60_000).abs() < 30_000);
    assert_eq!(system.queue.completion(3).await.outcome(), Outcome::Bounced);
    let notices = system.queue.state().notices.clone();
    let of = |id| notices.iter().find(|notice| notice.recipient_ids == [id]);
    assert!(text(of(1).unwrap()).contains("Action: delayed\r\n"));
    assert!(of(2).is_none());
    assert!(text(of(3).unwrap()).contains("Action: failed\r\n"));
}

#[tokio::test]
async fn success_is_told_when_it_was_asked_for() {
    let system = System::local().await;
    let mut asked = message(1, &["bob@example.test"]);
    asked.recipients[0].notify = Notify::from_bits(1);
    asked.envelope_id = "QQ".to_owned();
    system.queue.give(vec![asked]).await;
    let notice = system
        .queue
        .until(|state| state.notices.first().cloned())
        .await;
    let text = text(&notice);
    assert!(text.contains("Action: delivered\r\n"));
    assert!(text.contains("Original-Envelope-Id: QQ\r\n"));
    assert!(text.contains("Content-Type: text/rfc822-headers\r\n"));
}

#[tokio::test]
async fn a_failure_waits_while_its_message_cannot_be_read_but_not_for_ever() {
    let system = System::local().await;
    system.queue.state().unreadable = true;
    let mut over = message(2, &["unknown@example.test"]);
    over.received_at_ms = now_ms() - 122 * HOUR_MS;
    system
        .queue
        .give(vec![message(1, &["unknown@example.test"]), over])
        .await;
    assert_eq!(system.queue.completion(1).await.outcome(), Outcome::Retry);
    assert_eq!(system.queue.completion(2).await.outcome(), Outcome::Bounced);
    let notices = system.queue.state().notices.clone();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].recipient_ids, [2]);
}

#[tokio::test]
async fn a_failure_is_told_without_the_message_when_that_is_gone() {
    let system = System::local().await;
    let mut gone = message(1, &["unknown@example.test"]);
    gone.body_id = 404;
    system.queue.give(vec![gone]).await;
    assert_eq!(system.queue.completion(1).await.outcome(), Outcome::Bounced);
    let notice = system.queue.state().notices[0].clone();
    let text = text(&notice);
    assert!(text.contains("Final-Recipient: rfc822; unknown@example.test\r\n"));
    assert!(!text.contains("message/rfc822"), "{text}");
}

#[tokio::test]
async fn i2_a_failure_whose_notice_the_queue_never_takes_is_recorded_and_the_history_says_so() {
    let system = System::local().await;
    system.queue.state().no_notices = true;
    let addresses = ["unknown@example.test", "bob@example.test"];
    system.queue.give(vec![message(1, &addresses)]).await;
    let completion = system.queue.completion(1).await;
    assert_eq!(completion.outcome(), Outcome::Bounced);
    let untold = "(no notice was sent: poison)";
    assert!(completion.reason.ends_with(untold), "{}", completion.reason);
    assert_eq!(
        system.queue.completion(2).await.outcome(),
        Outcome::Delivered
    );
}
