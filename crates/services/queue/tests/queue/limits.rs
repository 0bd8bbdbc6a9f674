//! I7: every input has a limit, and the error names it.

use api::grpc::Code;
use api::message::v1::content;
use api::queue::v1::{Collected, CompleteRequest, DeliverBy, Outcome, Submission};
use api::queue_client::{EnqueueError, Enqueuer};
use bytes::Bytes;

use crate::harness::{Queue, completion, submission};

fn broken(change: impl FnOnce(&mut Submission)) -> Submission {
    let mut submission = submission(["bob@example.test"]);
    change(&mut submission);
    submission
}

#[tokio::test]
async fn i7_a_submission_beyond_a_limit_is_refused_and_the_stream_goes_on() {
    let queue = Queue::start().await;
    let long_inline = Bytes::from(vec![b'x'; 256 * 1024 + 1]);
    let rows: Vec<(&str, Submission)> = vec![
        ("no recipient", broken(|s| s.recipients.clear())),
        (
            "at most 10000",
            broken(|s| s.recipients = vec![s.recipients[0].clone(); 10_001]),
        ),
        ("content is missing", broken(|s| s.content = None)),
        (
            "content.header",
            broken(|s| s.content.as_mut().unwrap().header = vec![b'h'; 128 * 1024 + 1].into()),
        ),
        (
            "content.header is empty",
            broken(|s| s.content.as_mut().unwrap().header = Bytes::new()),
        ),
        (
            "content.inline",
            broken(|s| {
                let content = s.content.as_mut().unwrap();
                content.text_size = long_inline.len() as u64;
                content.text = Some(content::Text::Inline(long_inline.clone()));
            }),
        ),
        (
            "text_size says 9",
            broken(|s| s.content.as_mut().unwrap().text_size = 9),
        ),
        (
            "summary is missing",
            broken(|s| s.content.as_mut().unwrap().summary = None),
        ),
        (
            "not mailbox@domain",
            broken(|s| s.recipients[0].address = "bob".to_owned()),
        ),
        (
            "not in lower case",
            broken(|s| s.recipients[0].address = "bob@Example.test".to_owned()),
        ),
        (
            "control characters",
            broken(|s| s.recipients[0].address = "b\0b@example.test".to_owned()),
        ),
        (
            "reverse_path has 513 octets",
            broken(|s| s.reverse_path = format!("{}@example.test", "a".repeat(500))),
        ),
        (
            "collected needs",
            broken(|s| s.collected = Some(Collected::default())),
        ),
        ("hold_until_ms", broken(|s| s.hold_until_ms = -1)),
        (
            "between -9 and 9",
            broken(|s| s.options.get_or_insert_default().priority = 10),
        ),
        (
            "no deadline",
            broken(|s| {
                s.options.get_or_insert_default().deliver_by = Some(DeliverBy::default());
            }),
        ),
        (
            "future_release",
            broken(|s| {
                s.options.get_or_insert_default().future_release = "for;1\r\nX: y".to_owned();
            }),
        ),
    ];
    let mut submitter = queue.submitter().await;
    for (reason, submission) in rows {
        let status = submitter.enqueue(submission).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{reason}");
        assert!(status.message().contains(reason), "{reason}: {status}");
    }
    // Addresses that the rules accept at RCPT are accepted: address literals as their RFC writes them.
    submitter
        .enqueue(submission(["bob@[IPv6:2001:db8::1]"]))
        .await
        .unwrap();
    assert_eq!(queue.statistics().await.messages, 1);
}

#[tokio::test]
async fn i7_ten_thousand_recipients_are_taken_and_handed_out() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    let to: Vec<String> = (0..10_000)
        .map(|n| format!("user{n}@example.test"))
        .collect();
    queue
        .enqueue(submission(to.iter().map(String::as_str)))
        .await
        .unwrap();
    worker.grant(10_000);
    let recipients = worker.take(10_000).await;
    let completions = recipients.iter();
    let request = CompleteRequest {
        completions: completions
            .map(|r| completion(r, Outcome::Relayed))
            .collect(),
        ..Default::default()
    };
    assert_eq!(queue.complete(request).await.unwrap().stale, []);
    assert_eq!(queue.statistics().await.messages, 0);
}

#[tokio::test]
async fn i7_a_completion_must_say_what_and_when() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(1);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let recipients = worker.take(1).await;
    for outcome in [Outcome::Unspecified, Outcome::Retry] {
        let request = CompleteRequest {
            completions: vec![completion(&recipients[0], outcome)],
            ..Default::default()
        };
        let status = queue.complete(request).await.unwrap_err();
        assert_eq!(
            status.code(),
            Code::InvalidArgument,
            "{outcome:?}: {status}"
        );
    }
    // A reply with a NUL, and a very long one, are stored as far as possible.
    let mut odd = completion(&recipients[0], Outcome::Bounced);
    odd.reply = format!("550 \0{}", "ä".repeat(10_000));
    let request = CompleteRequest {
        completions: vec![odd],
        ..Default::default()
    };
    assert_eq!(queue.complete(request).await.unwrap().stale, []);
}

#[tokio::test]
async fn i7_a_submission_too_large_for_the_stream_ends_nobody_elses() {
    let queue = Queue::start().await;
    let enqueuer = Enqueuer::new(queue.channel.clone());
    let huge = broken(|s| s.content.as_mut().unwrap().header = vec![b'h'; 17 << 20].into());
    let (first, refused, second) = tokio::join!(
        enqueuer.enqueue(submission(["bob@example.test"])),
        enqueuer.enqueue(huge),
        enqueuer.enqueue(submission(["eve@example.test"])),
    );
    assert!(
        matches!(refused, Err(EnqueueError::Refused(_))),
        "{refused:?}"
    );
    first.unwrap();
    second.unwrap();
}
