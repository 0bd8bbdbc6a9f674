//! `RetryNow`: what waits for its next attempt is due now, and nothing else.

use api::grpc::Code;
use api::queue::v1::{
    CompleteRequest, LeasedRecipient, Outcome, RetryNowRequest, RetryNowResponse,
};

use crate::harness::{LeaseStream, Queue, completion, submission};

const HOUR_MS: i64 = 3_600_000;

async fn retry_now(queue: &Queue, request: RetryNowRequest) -> RetryNowResponse {
    let answer = queue.client().retry_now(request).await;
    answer.unwrap().into_inner()
}

fn of_domain(domain: &str, subdomains: bool) -> RetryNowRequest {
    RetryNowRequest {
        domain: domain.to_owned(),
        subdomains,
        ..RetryNowRequest::default()
    }
}

/// Recipients that are put off for an hour; gives their messages.
async fn put_off(queue: &Queue, worker: &mut LeaseStream, addresses: &[&str]) -> Vec<i64> {
    let mut messages = Vec::new();
    for address in addresses {
        worker.grant(1);
        let accepted = queue.enqueue(submission([*address])).await.unwrap();
        messages.push(accepted.message_id);
        let leased = worker.take(1).await;
        let mut retry = completion(&leased[0], Outcome::Retry);
        retry.retry_at_ms = queue.now() + HOUR_MS;
        let request = CompleteRequest {
            completions: vec![retry],
            ..CompleteRequest::default()
        };
        assert_eq!(queue.complete(request).await.unwrap().stale, []);
    }
    messages
}

fn addresses(recipients: &[LeasedRecipient]) -> Vec<&str> {
    let mut addresses: Vec<_> = recipients.iter().map(|one| one.address.as_str()).collect();
    addresses.sort_unstable();
    addresses
}

#[tokio::test]
async fn what_waits_for_a_domain_is_due_and_nothing_else() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    put_off(
        &queue,
        &mut worker,
        &[
            "a@slow.test",
            "\"b@x\"@slow.test",
            "c@below.slow.test",
            "d@notslow.test",
            "e@slow.test.other.test",
        ],
    )
    .await;
    let none = retry_now(&queue, of_domain("nobody.test", true)).await;
    assert_eq!((none.recipients, none.messages, none.next), (0, 0, 0));

    let asked_at = queue.now();
    let due = retry_now(&queue, of_domain("slow.test", false)).await;
    assert_eq!((due.recipients, due.messages, due.next), (2, 2, 0));
    worker.grant(10);
    let leased = worker.take(2).await;
    assert_eq!(addresses(&leased), ["\"b@x\"@slow.test", "a@slow.test"]);
    for recipient in &leased {
        assert_eq!(recipient.retry_asked_at_ms, asked_at);
        assert_eq!((recipient.attempts, recipient.epoch), (1, 2));
    }
    // Those are under way; of the subdomains one waits.
    let due = retry_now(&queue, of_domain("slow.test", true)).await;
    assert_eq!(due.recipients, 1);
    let leased = worker.take(1).await;
    assert_eq!(addresses(&leased), ["c@below.slow.test"]);
}

#[tokio::test]
async fn what_waits_of_a_message_or_at_all_is_due() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    let messages = put_off(&queue, &mut worker, &["a@x.test", "b@y.test", "c@z.test"]).await;
    let one = RetryNowRequest {
        message_id: messages[1],
        ..RetryNowRequest::default()
    };
    assert_eq!(retry_now(&queue, one).await.recipients, 1);
    worker.grant(10);
    let leased = worker.take(1).await;
    assert_eq!(addresses(&leased), ["b@y.test"]);
    let all = retry_now(&queue, RetryNowRequest::default()).await;
    assert_eq!(all.recipients, 2);
    assert_eq!(addresses(&worker.take(2).await), ["a@x.test", "c@z.test"]);
}

#[tokio::test]
async fn what_was_never_tried_stays_as_it_is() {
    let queue = Queue::start().await;
    // On purpose it is not due yet.
    let mut held = submission(["a@slow.test"]);
    held.hold_until_ms = queue.now() + HOUR_MS;
    let held = queue.enqueue(held).await.unwrap();
    for request in [of_domain("slow.test", true), RetryNowRequest::default()] {
        assert_eq!(retry_now(&queue, request).await.recipients, 0);
    }
    let shown = queue.show(held.message_id).await.unwrap();
    let waits = &shown.message.unwrap().recipients[0];
    assert_eq!(waits.due_at_ms, queue.now() + HOUR_MS);
}

#[tokio::test]
async fn a_schedule_goes_on_as_before_when_the_attempt_fails_too() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    let messages = put_off(&queue, &mut worker, &["a@slow.test"]).await;
    retry_now(&queue, of_domain("slow.test", false)).await;
    worker.grant(1);
    let leased = worker.take(1).await;
    let mut retry = completion(&leased[0], Outcome::Retry);
    retry.retry_at_ms = queue.now() + 2 * HOUR_MS;
    let request = CompleteRequest {
        completions: vec![retry],
        ..CompleteRequest::default()
    };
    queue.complete(request).await.unwrap();
    let shown = queue.show(messages[0]).await.unwrap();
    let waits = &shown.message.unwrap().recipients[0];
    assert_eq!((waits.attempts, waits.leased), (2, false));
    assert_eq!(waits.due_at_ms, queue.now() + 2 * HOUR_MS);
}

#[tokio::test]
async fn a_wish_that_says_two_things_is_refused() {
    let queue = Queue::start().await;
    for request in [
        RetryNowRequest {
            message_id: 5,
            ..of_domain("slow.test", false)
        },
        RetryNowRequest {
            message_id: i64::MAX,
            ..RetryNowRequest::default()
        },
    ] {
        let refused = queue.client().retry_now(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}
