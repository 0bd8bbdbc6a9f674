//! Ends of recipients (I2), their history, and notices.

use api::grpc::Code;
use api::queue::v1::{
    CompleteRequest, Component, Derived, DerivedKind, LeasedRecipient, Origin, Outcome, Submission,
};
use sqlx::Connection;

use crate::collection::no_upload;
use crate::harness::{Queue, completion, submission};

#[tokio::test]
async fn i2_every_recipient_has_one_end_and_the_history_tells_it() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let to = ["a", "b", "c", "d"].map(|name| format!("{name}@example.test"));
    let accepted = queue
        .enqueue(submission(to.iter().map(String::as_str)))
        .await
        .unwrap();
    let recipients = worker.take(4).await;
    let outcomes = [
        Outcome::Delivered,
        Outcome::Relayed,
        Outcome::Bounced,
        Outcome::Discarded,
    ];
    for (recipient, outcome) in recipients.iter().zip(outcomes) {
        assert!(
            queue
                .show(accepted.message_id)
                .await
                .unwrap()
                .message
                .is_some()
        );
        assert!(queue.end(recipient, outcome).await);
    }
    let shown = queue.show(accepted.message_id).await.unwrap();
    assert_eq!(shown.message, None);
    let history: Vec<_> = shown
        .history
        .iter()
        .map(|event| (event.address.clone(), event.outcome()))
        .collect();
    assert_eq!(history, to.into_iter().zip(outcomes).collect::<Vec<_>>());
    let event = &shown.history[0];
    assert_eq!(event.at_ms, queue.now());
    assert_eq!(event.reverse_path, "alice@example.test");
    assert_eq!(event.reason, "because");
    assert_eq!(event.server, "mx.example.test");
    assert_eq!(event.reply, "250 2.0.0 fine");
    assert_eq!(event.policy_revision, 3);
    assert_eq!(event.worker, "worker");
    let counts = queue.statistics().await;
    assert_eq!((counts.messages, counts.recipients), (0, 0));
}

#[tokio::test]
async fn i2_a_second_outcome_in_one_request_is_stale() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(1);
    let accepted = queue.enqueue(submission(["a@example.test"])).await.unwrap();
    let recipients = worker.take(1).await;
    let request = CompleteRequest {
        completions: vec![
            completion(&recipients[0], Outcome::Bounced),
            completion(&recipients[0], Outcome::Delivered),
        ],
        ..Default::default()
    };
    let completed = queue.complete(request).await.unwrap();
    assert_eq!(completed.stale.len(), 1);
    let history = queue.show(accepted.message_id).await.unwrap().history;
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].outcome(), Outcome::Bounced);
}

#[tokio::test]
async fn a_retry_comes_back_when_it_is_due_and_not_before() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let accepted = queue.enqueue(submission(["a@example.test"])).await.unwrap();
    let first = worker.take(1).await;
    let mut retry = completion(&first[0], Outcome::Retry);
    retry.retry_at_ms = queue.now() + 300_000;
    retry.delay_notified = true;
    retry.reason = "the server is busy".to_owned();
    let request = CompleteRequest {
        completions: vec![retry],
        ..Default::default()
    };
    assert_eq!(queue.complete(request.clone()).await.unwrap().stale, []);
    let stale = queue.complete(request).await.unwrap().stale;
    assert_eq!(stale.len(), 1, "that lease has ended");
    let shown = queue.show(accepted.message_id).await.unwrap();
    let waiting = &shown.message.unwrap().recipients[0];
    assert_eq!(waiting.attempts, 1);
    assert!(!waiting.leased);
    assert_eq!(waiting.last_reason, "the server is busy");
    assert_eq!(shown.history[0].outcome(), Outcome::Retry);

    queue.advance(300_000);
    worker.grant(1);
    let second = worker.take(1).await;
    assert_eq!((second[0].epoch, second[0].attempts), (2, 1));
    assert!(second[0].delay_notified);
}

#[tokio::test]
async fn a_notice_is_committed_with_the_end_it_tells_of_and_handed_over() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    queue.enqueue(submission(["a@example.test"])).await.unwrap();
    let recipients = worker.take(1).await;
    let request = bounce(&recipients[0]);
    assert_eq!(queue.complete(request.clone()).await.unwrap().stale, []);
    let notice = worker.take(1).await;
    assert_eq!(notice[0].address, "alice@example.test");
    // Repeated: stale, and no second notice (I4).
    assert_eq!(queue.complete(request).await.unwrap().stale.len(), 1);
    assert_eq!(queue.statistics().await.messages, 1);
}

#[tokio::test]
async fn a_notice_goes_out_when_one_of_those_that_it_speaks_of_ended_here() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    queue
        .enqueue(submission(["a@example.test", "b@example.test"]))
        .await
        .unwrap();
    let recipients = worker.take(2).await;
    assert!(queue.end(&recipients[1], Outcome::Delivered).await);
    // One of the notice's two leases is stale.
    let mut request = bounce(&recipients[0]);
    request
        .completions
        .push(completion(&recipients[1], Outcome::Bounced));
    request.derived[0]
        .recipient_ids
        .push(recipients[1].recipient_id);
    let stale = queue.complete(request).await.unwrap().stale;
    assert_eq!(stale, [crate::harness::key(&recipients[1])]);
    // The notice is sent all the same, for the other recipient's sake.
    let notice = worker.take(1).await;
    assert_eq!(notice[0].address, "alice@example.test");
    let counts = queue.statistics().await;
    assert_eq!((counts.messages, counts.enqueued), (1, 2));
}

#[tokio::test]
async fn an_end_is_not_recorded_without_its_notice() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(1);
    queue.enqueue(submission(["a@example.test"])).await.unwrap();
    let recipients = worker.take(1).await;
    let mut request = bounce(&recipients[0]);
    let notice = request.derived[0].submission.as_mut().unwrap();
    let content = notice.content.as_mut().unwrap();
    content.text = Some(api::message::v1::content::Text::Stored(no_upload()));
    let failure = queue.complete(request).await.unwrap_err();
    assert_eq!(failure.code(), Code::InvalidArgument, "{failure}");
    assert!(
        queue.end(&recipients[0], Outcome::Bounced).await,
        "still held"
    );
}

#[tokio::test]
async fn a_body_that_nothing_refers_to_becomes_garbage_and_one_delivered_here_does_not() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let mut garbage = Vec::new();
    for outcomes in [
        &[Outcome::Relayed][..],
        &[Outcome::Delivered],
        &[Outcome::Delivered, Outcome::Bounced],
        &[Outcome::Bounced, Outcome::Relayed],
    ] {
        let to = ["a@example.test", "b@example.test"];
        let accepted = queue
            .enqueue(submission(to.into_iter().take(outcomes.len())))
            .await
            .unwrap();
        let recipients = worker.take(outcomes.len()).await;
        for (recipient, outcome) in recipients.iter().zip(outcomes) {
            assert!(queue.end(recipient, *outcome).await);
        }
        if !outcomes.contains(&Outcome::Delivered) {
            garbage.push(accepted.message_id);
        }
    }
    let mut connection = sqlx::PgConnection::connect(&queue.url).await.unwrap();
    let found: Vec<i64> = sqlx::query_scalar("SELECT body_id FROM volume.garbage ORDER BY 1")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(found, garbage);
}

/// The end of a recipient, with a notice to its sender.
pub(crate) fn bounce(recipient: &LeasedRecipient) -> CompleteRequest {
    let notice = Submission {
        reverse_path: String::new(),
        origin: Some(Origin {
            component: Component::Delivery.into(),
            ..Origin::default()
        }),
        ..submission(["alice@example.test"])
    };
    CompleteRequest {
        tag: 1,
        completions: vec![completion(recipient, Outcome::Bounced)],
        derived: vec![Derived {
            recipient_ids: vec![recipient.recipient_id],
            kind: DerivedKind::Notice.into(),
            submission: Some(notice),
        }],
        ..CompleteRequest::default()
    }
}
