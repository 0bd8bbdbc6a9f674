//! Leases (I4): each recipient has one lease at a time, fenced by epochs, ended by a broken stream, by time,
//! or by an outcome.

use api::grpc::Code;
use api::queue::v1::Outcome;

use sqlx::Connection as _;

use crate::harness::{LEASE_SECONDS, Queue, submission};

const LEASE_MS: i64 = LEASE_SECONDS as i64 * 1000;

#[tokio::test]
async fn fresh_mail_is_handed_over_without_a_scan() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let mut fresh = submission(["bob@example.test", "carol@example.test"]);
    fresh.eight_bit = true;
    fresh.envelope_id = "id-1".to_owned();
    let accepted = queue.enqueue(fresh).await.unwrap();
    let response = worker.response().await.unwrap();
    let [message] = &response.messages[..] else {
        panic!("one message: {response:?}");
    };
    assert_eq!(message.message_id, accepted.message_id);
    assert_eq!(message.size, 30);
    assert_eq!(message.reverse_path, "alice@example.test");
    assert_eq!(message.envelope_id, "id-1");
    assert!(message.eight_bit && !message.smtputf8 && !message.binary);
    assert_eq!(message.received_at_ms, queue.now());
    let recipients: Vec<_> = message
        .recipients
        .iter()
        .map(|r| (r.address.as_str(), r.epoch, r.attempts))
        .collect();
    assert_eq!(
        recipients,
        [("bob@example.test", 1, 0), ("carol@example.test", 1, 0)]
    );
    assert_eq!(queue.statistics().await.leased, 2);
}

#[tokio::test]
async fn what_is_said_of_a_message_is_told_by_hand_over_and_by_scan() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(1);
    for _ in 0..2 {
        let mut suspicious = submission(["bob@example.test"]);
        suspicious.junk = true;
        suspicious.require_tls = true;
        queue.enqueue(suspicious).await.unwrap();
    }
    queue
        .enqueue(submission(["carol@example.test"]))
        .await
        .unwrap();
    let mut told = Vec::new();
    for credits in [0, 2] {
        if credits > 0 {
            worker.grant(credits);
        }
        while told.len() < 1 + credits as usize {
            let messages = worker.response().await.unwrap().messages;
            told.extend(messages.iter().map(|one| (one.junk, one.require_tls)));
        }
    }
    assert_eq!(told, [(true, true), (true, true), (false, false)]);
}

#[tokio::test]
async fn nobody_is_sent_more_than_they_asked_for() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(2);
    let to: Vec<String> = (0..5).map(|n| format!("user{n}@example.test")).collect();
    queue
        .enqueue(submission(to.iter().map(String::as_str)))
        .await
        .unwrap();
    let first = worker.take(2).await;
    let counts = queue.statistics().await;
    assert_eq!((counts.leased, counts.due), (2, 3));
    worker.grant(3);
    let rest = worker.take(3).await;
    let mut addresses: Vec<_> = first
        .iter()
        .chain(&rest)
        .map(|r| r.address.clone())
        .collect();
    addresses.sort();
    assert_eq!(addresses, to);
}

#[tokio::test]
async fn mail_that_nobody_told_of_is_found_after_a_while() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    let mut held = submission(["a@example.test"]);
    held.hold_until_ms = queue.now() + 86_400_000;
    queue.enqueue(held).await.unwrap();
    queue.enqueue(submission(["b@example.test"])).await.unwrap();
    worker.grant(10);
    let taken = worker.take(1).await;
    assert!(queue.end(&taken[0], Outcome::Delivered).await);
    // The state left by another replica that died before its notification.
    let mut connection = sqlx::PgConnection::connect(&queue.url).await.unwrap();
    sqlx::query("UPDATE queue.recipient SET due_at = $1 WHERE address = 'a@example.test'")
        .bind(queue.now())
        .execute(&mut connection)
        .await
        .unwrap();
    queue.advance(30_000);
    // The credit only wakes the scan.
    worker.grant(1);
    let found = worker.take(1).await;
    assert_eq!(found[0].address, "a@example.test");
}

#[tokio::test]
async fn i4_a_worker_that_drains_is_given_no_more_and_what_it_gives_back_goes_to_another() {
    let queue = Queue::start().await;
    let mut ending = queue.worker("ending").await;
    ending.grant(10);
    let to = ["a@example.test", "b@example.test"];
    queue.enqueue(submission(to)).await.unwrap();
    let held = ending.take(2).await;
    ending.drain();
    ending.grant(10);
    ending.give_back(&held[..1]);
    let mut other = queue.worker("other").await;
    other.grant(10);
    let again = other.take(1).await;
    assert_eq!(again[0].recipient_id, held[0].recipient_id);
    assert_eq!(again[0].epoch, 2);
    assert!(!queue.end(&held[0], Outcome::Delivered).await, "given back");
    assert!(queue.end(&held[1], Outcome::Delivered).await, "still held");
    // All of them, though the other worker would have more credits.
    let to = ["c@example.test", "d@example.test", "e@example.test"];
    queue.enqueue(submission(to)).await.unwrap();
    other.take(3).await;
}

#[tokio::test]
async fn i4_a_broken_stream_releases_at_once() {
    let queue = Queue::start().await;
    let mut first = queue.worker("first").await;
    first.grant(1);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let held = first.take(1).await;
    let mut second = queue.worker("second").await;
    second.grant(1);
    first.break_off();
    // The clock stands still: no lease has expired.
    let again = second.take(1).await;
    assert_eq!(again[0].recipient_id, held[0].recipient_id);
    assert_eq!((held[0].epoch, again[0].epoch), (1, 2));
    assert!(!queue.end(&held[0], Outcome::Delivered).await, "stale");
    assert!(queue.end(&again[0], Outcome::Delivered).await);
    assert!(
        !queue.end(&again[0], Outcome::Delivered).await,
        "ended already"
    );
}

#[tokio::test]
async fn i4_a_second_worker_of_a_name_is_refused_while_the_first_is_heard_of() {
    let queue = Queue::start().await;
    let mut first = queue.worker("worker").await;
    first.grant(1);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let held = first.take(1).await;
    queue.advance(LEASE_MS / 2);
    first.renew(&held);
    // The answer to the renewal.
    assert!(first.response().await.unwrap().messages.is_empty());
    queue.advance(LEASE_MS / 2);
    let mut second = queue.hello("worker", "another").await;
    let refused = second.response().await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(queue.statistics().await.workers, 1);
    assert!(queue.end(&held[0], Outcome::Delivered).await, "still held");
}

#[tokio::test]
async fn i4_a_worker_that_is_heard_of_no_more_is_displaced_and_its_stream_ends_at_once() {
    let queue = Queue::start().await;
    let mut silent = queue.worker("worker").await;
    silent.grant(1);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    silent.take(1).await;
    queue.advance(LEASE_MS);
    let mut second = queue.hello("worker", "another").await;
    second.response().await.unwrap();
    second.grant(1);
    assert_eq!(second.take(1).await[0].epoch, 2);
    // The first worker sends no further message of its own.
    let end = silent.response().await.unwrap_err();
    assert_eq!(end.code(), Code::Aborted);
}

#[tokio::test]
async fn i4_a_worker_that_comes_back_by_another_stream_keeps_what_it_held() {
    let queue = Queue::start().await;
    let mut old = queue.hello("worker", "the same").await;
    old.response().await.unwrap();
    old.grant(1);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let held = old.take(1).await;
    let mut new = queue.hello("worker", "the same").await;
    new.response().await.unwrap();
    let end = old.response().await.unwrap_err();
    assert_eq!(end.code(), Code::Aborted);
    assert!(queue.end(&held[0], Outcome::Delivered).await, "still held");
}

#[tokio::test]
async fn i4_what_was_on_its_way_down_a_broken_stream_is_handed_out_again_at_once() {
    let queue = Queue::start().await;
    let mut old = queue.hello("worker", "the same").await;
    old.response().await.unwrap();
    old.grant(2);
    for to in ["a@example.test", "b@example.test"] {
        queue.enqueue(submission([to])).await.unwrap();
    }
    let handed = old.take(2).await;
    // The second lease never reached the worker.
    let mut new = queue.hello("worker", "the same").await;
    new.response().await.unwrap();
    new.renew(&handed[..1]);
    // The clock stands still: no lease has expired.
    new.grant(2);
    let again = new.take(1).await;
    assert_eq!(again[0].recipient_id, handed[1].recipient_id);
    assert_eq!(again[0].epoch, 2);
    // Later renewals need not name all leases.
    new.renew(&[]);
    queue.enqueue(submission(["c@example.test"])).await.unwrap();
    let fresh = new.take(1).await;
    for held in [&handed[0], &again[0], &fresh[0]] {
        assert!(queue.end(held, Outcome::Delivered).await, "still held");
    }
}

#[tokio::test]
async fn i4_an_expired_lease_goes_to_another_in_a_higher_epoch() {
    let queue = Queue::start().await;
    let mut slow = queue.worker("slow").await;
    slow.grant(1);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let held = slow.take(1).await;
    let mut other = queue.worker("other").await;
    queue.advance(LEASE_MS);
    other.grant(1);
    let again = other.take(1).await;
    assert_eq!(again[0].epoch, 2);
    assert!(!queue.end(&held[0], Outcome::Delivered).await, "stale");
    assert!(queue.end(&again[0], Outcome::Delivered).await);
    assert_eq!(queue.statistics().await.messages, 0);
}

#[tokio::test]
async fn i4_a_renewed_lease_does_not_expire() {
    let queue = Queue::start().await;
    let mut busy = queue.worker("busy").await;
    busy.grant(2);
    queue.enqueue(submission(["a@example.test"])).await.unwrap();
    queue.enqueue(submission(["b@example.test"])).await.unwrap();
    let held = busy.take(2).await;
    queue.advance(LEASE_MS / 2);
    busy.renew(&held[..1]);
    let renewed = queue.now() + LEASE_MS;
    test_kit::in_time("the lease is renewed", async {
        loop {
            let shown = queue.show(held[0].recipient_id >> 14).await.unwrap();
            if shown.message.unwrap().recipients[0].due_at_ms == renewed {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    queue.advance(LEASE_MS / 2);
    let mut other = queue.worker("other").await;
    other.grant(2);
    let expired = other.take(1).await;
    assert_eq!(expired[0].recipient_id, held[1].recipient_id);
    assert!(queue.end(&held[0], Outcome::Delivered).await, "still held");
}

#[tokio::test]
async fn a_draining_queue_leaves_leases_to_their_workers() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(1);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let held = worker.take(1).await;
    let queue = queue.restart().await;
    assert_eq!(queue.statistics().await.leased, 1);
    assert!(queue.end(&held[0], Outcome::Delivered).await);
}

#[tokio::test]
async fn mail_on_hold_waits_for_its_time() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(2);
    let mut later = submission(["later@example.test"]);
    later.hold_until_ms = queue.now() + 60_000;
    queue.enqueue(later).await.unwrap();
    queue
        .enqueue(submission(["now@example.test"]))
        .await
        .unwrap();
    let first = worker.take(1).await;
    assert_eq!(first[0].address, "now@example.test");
    assert!(queue.end(&first[0], Outcome::Delivered).await);
    queue.advance(60_000);
    worker.grant(1);
    let recipients = worker.take(1).await;
    assert_eq!(recipients[0].address, "later@example.test");
}

#[tokio::test]
async fn the_first_request_is_a_hello() {
    let queue = Queue::start().await;
    let request = api::queue::v1::LeaseRequest {
        request: Some(api::queue::v1::lease_request::Request::Credits(1)),
    };
    let mut stream = queue
        .client()
        .lease(tokio_stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let status = stream.message().await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn fresh_mail_and_retries_do_not_stand_before_each_other() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    // A backlog of retries, all due.
    worker.grant(50);
    let to: Vec<String> = (0..50).map(|n| format!("user{n}@example.test")).collect();
    queue
        .enqueue(submission(to.iter().map(String::as_str)))
        .await
        .unwrap();
    let retry_at_ms = queue.now() + 1;
    let retried = worker.take(50).await;
    let completions = retried.iter().map(|recipient| {
        let mut completion = crate::harness::completion(recipient, Outcome::Retry);
        completion.retry_at_ms = retry_at_ms;
        completion
    });
    let request = api::queue::v1::CompleteRequest {
        completions: completions.collect(),
        ..Default::default()
    };
    queue.complete(request).await.unwrap();
    queue.advance(10);
    // Without credits, fresh mail has to wait in the table as well.
    queue
        .enqueue(submission(["fresh@example.test"]))
        .await
        .unwrap();
    let mut taken = Vec::new();
    for _ in 0..2 {
        worker.grant(2);
        taken.extend(worker.take(2).await);
    }
    let fresh = taken.iter().filter(|recipient| recipient.attempts == 0);
    assert_eq!(fresh.count(), 1, "{taken:?}");
}
