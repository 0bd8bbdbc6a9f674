//! `RetryNow`: recipients that wait for their next attempt are due now, and no others.

use api::grpc::Code;
use api::queue::v1::{
    CompleteRequest, DeliveryOptions, LeasedRecipient, Outcome, RetryNowRequest, RetryNowResponse,
    Submission,
};
use sqlx::Connection;

use crate::harness::{LeaseStream, Queue, administrator, completion, submission};

const HOUR_MS: i64 = 3_600_000;

async fn retry_now(queue: &Queue, request: RetryNowRequest) -> RetryNowResponse {
    let request = RetryNowRequest {
        actor: administrator(),
        ..request
    };
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

/// Recipients that are deferred for an hour. Returns their messages.
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
    // Those are leased now; one of the subdomains' waits.
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
        actor: administrator(),
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

/// A message of low priority, possibly held.
fn idle(to: &str, hold_until_ms: i64) -> Submission {
    Submission {
        hold_until_ms,
        options: Some(DeliveryOptions {
            priority: -5,
            ..DeliveryOptions::default()
        }),
        ..submission([to])
    }
}

#[tokio::test]
async fn what_is_held_on_purpose_stays_as_it_is() {
    let queue = Queue::start().await;
    let soon = queue.now() + 60_000;
    let mut held = submission(["a@slow.test"]);
    held.hold_until_ms = queue.now() + HOUR_MS;
    for (held, due_at) in [
        (held, queue.now() + HOUR_MS),
        (idle("b@slow.test", soon), soon + 5 * 60_000),
    ] {
        let held = queue.enqueue(held).await.unwrap().message_id;
        let one = RetryNowRequest {
            actor: administrator(),
            message_id: held,
            ..RetryNowRequest::default()
        };
        for request in [
            of_domain("slow.test", true),
            one,
            RetryNowRequest::default(),
        ] {
            assert_eq!(retry_now(&queue, request).await.recipients, 0);
        }
        let shown = queue.show(held).await.unwrap();
        let waits = &shown.message.unwrap().recipients[0];
        assert_eq!(waits.due_at_ms, due_at);
    }
}

#[tokio::test]
async fn what_stands_back_by_its_priority_is_due() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    put_off(&queue, &mut worker, &["z@slow.test"]).await;
    let mut messages = Vec::new();
    for to in [
        "a@slow.test",
        "b@below.slow.test",
        "c@other.test",
        "d@third.test",
    ] {
        let message = idle(to, queue.now());
        messages.push(queue.enqueue(message).await.unwrap().message_id);
    }
    let one = RetryNowRequest {
        actor: administrator(),
        message_id: messages[2],
        ..RetryNowRequest::default()
    };
    worker.grant(10);
    for (request, expected) in [
        (
            of_domain("slow.test", false),
            vec!["a@slow.test", "z@slow.test"],
        ),
        (of_domain("slow.test", true), vec!["b@below.slow.test"]),
        (one, vec!["c@other.test"]),
        (RetryNowRequest::default(), vec!["d@third.test"]),
    ] {
        let due = retry_now(&queue, request).await;
        assert_eq!((due.recipients, due.next), (expected.len() as u32, 0));
        let leased = worker.take(expected.len()).await;
        assert_eq!(addresses(&leased), expected);
        for recipient in &leased {
            assert_eq!(recipient.retry_asked_at_ms, queue.now());
        }
    }
}

#[tokio::test]
async fn pages_leave_out_nothing_and_name_nobody_twice() {
    let queue = Queue::start().await;
    // More than a page of each kind, in turn.
    let mut connection = sqlx::PgConnection::connect(&queue.url).await.unwrap();
    let first = queue.enqueue(idle("a@slow.test", queue.now())).await;
    let first = first.unwrap().message_id;
    sqlx::query(
        "INSERT INTO queue.message
         SELECT (m).* FROM (SELECT jsonb_populate_record(m, jsonb_build_object('id', m.id + n)) AS m
                            FROM queue.message m, generate_series(1, 11999) n) made",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO queue.recipient
         SELECT (r).* FROM (SELECT jsonb_populate_record(r, jsonb_build_object(
                                'id', r.id + (n << 14), 'attempts', n % 2)) AS r
                            FROM queue.recipient r, generate_series(1, 11999) n) made",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let (mut due, mut after, mut pages) = (0, 0, 0);
    loop {
        let request = RetryNowRequest {
            actor: administrator(),
            after,
            ..of_domain("slow.test", false)
        };
        let page = retry_now(&queue, request).await;
        due += page.recipients;
        pages += 1;
        if page.next == 0 {
            break;
        }
        assert!(page.next > after);
        after = page.next;
    }
    assert_eq!((due, pages), (12_000, 2), "beginning with {first}");
    let waiting: i64 =
        sqlx::query_scalar("SELECT count(*) FROM queue.recipient WHERE due_at <> $1")
            .bind(queue.now())
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(waiting, 0);
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
            actor: administrator(),
            message_id: 5,
            ..of_domain("slow.test", false)
        },
        RetryNowRequest {
            actor: administrator(),
            message_id: i64::MAX,
            ..RetryNowRequest::default()
        },
    ] {
        let refused = queue.client().retry_now(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}
