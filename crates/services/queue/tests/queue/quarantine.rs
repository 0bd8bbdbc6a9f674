//! Mail in quarantine: held, released, removed, and races between decisions (I2).

use api::actor::v1::Actor;
use api::grpc::{Channel, Code, Status};
use api::queue::v1::quarantine_client::QuarantineClient;
use api::queue::v1::{
    CompleteRequest, DeliverBy, DeliveryOptions, HistoryEvent, LeasedMessage,
    ListQuarantinedRequest, Outcome, QuarantineTerms, QueuedMessage, ReleaseQuarantinedRequest,
    RemoveQuarantinedRequest, Submission,
};
use futures::future::join_all;
use sqlx::Connection;

use crate::harness::{Peer, Queue, administrator, completion, read, submission};

const REASON: &str = "dmarc-quarantine: DMARC is `fail` for \"x.test\"";

fn terms(reason: &str, seconds: u32) -> Option<QuarantineTerms> {
    let reason = reason.to_owned();
    Some(QuarantineTerms { reason, seconds })
}
const HOUR_MS: i64 = 3_600_000;

fn suspicious<'a>(to: impl IntoIterator<Item = &'a str>) -> Submission {
    Submission {
        quarantine: terms(REASON, 30 * 86_400),
        policy_revision: 3,
        ..submission(to)
    }
}

impl Peer {
    fn quarantine(&self) -> QuarantineClient<Channel> {
        QuarantineClient::new(self.channel.clone())
    }

    async fn release(&self, message_id: i64) -> Result<u32, Status> {
        let request = ReleaseQuarantinedRequest {
            actor: administrator(),
            message_id,
        };
        let released = self.quarantine().release_quarantined(request).await?;
        Ok(released.into_inner().recipients)
    }

    async fn remove(&self, message_id: i64) -> Result<u32, Status> {
        let request = RemoveQuarantinedRequest {
            actor: administrator(),
            message_id,
        };
        let removed = self.quarantine().remove_quarantined(request).await?;
        Ok(removed.into_inner().recipients)
    }

    async fn quarantined(&self, request: ListQuarantinedRequest) -> Vec<QueuedMessage> {
        let listed = self.quarantine().list_quarantined(request).await;
        listed.unwrap().into_inner().messages
    }
}

fn outcomes(history: &[HistoryEvent]) -> Vec<Outcome> {
    history.iter().map(HistoryEvent::outcome).collect()
}

#[tokio::test]
async fn what_is_in_quarantine_is_taken_and_goes_nowhere() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let held = queue
        .enqueue(suspicious(["a@example.test", "b@example.test"]))
        .await
        .unwrap();
    let ordinary = queue.enqueue(submission(["c@example.test"])).await.unwrap();
    let recipients = worker.take(1).await;
    assert_eq!(recipients[0].recipient_id >> 14, ordinary.message_id);
    assert!(queue.end(&recipients[0], Outcome::Delivered).await);

    let counts = queue.statistics().await;
    assert_eq!((counts.messages, counts.recipients), (1, 2));
    assert_eq!((counts.quarantined, counts.due, counts.leased), (1, 0, 0));
    let shown = queue.show(held.message_id).await.unwrap();
    let message = shown.message.unwrap();
    let quarantine = message.quarantine.unwrap();
    assert_eq!(quarantine.reason, REASON);
    assert_eq!(quarantine.until_ms, queue.now() + 30 * 24 * HOUR_MS);
    assert!(message.recipients.iter().all(|one| !one.leased));
    assert_eq!(outcomes(&shown.history), [Outcome::Quarantined; 2]);
    let event = &shown.history[0];
    assert_eq!(event.reason, REASON);
    assert_eq!(
        (event.address.as_str(), event.at_ms),
        ("a@example.test", queue.now())
    );
    assert_eq!(event.policy_revision, 3);
    assert_eq!(
        read(&queue, held.message_id, false).await,
        b"Subject: greetings\r\n\r\nHello.\r\n"
    );
}

#[tokio::test]
async fn the_scan_does_not_find_it_not_even_when_its_time_has_ended() {
    let queue = Queue::start().await;
    queue.enqueue(suspicious(["a@example.test"])).await.unwrap();
    queue.advance(31 * 24 * HOUR_MS);
    let ordinary = queue.enqueue(submission(["b@example.test"])).await.unwrap();
    // Credits granted from now on are for what the scan finds.
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let recipients = worker.take(1).await;
    assert_eq!(recipients[0].recipient_id >> 14, ordinary.message_id);
    let counts = queue.statistics().await;
    assert_eq!((counts.due, counts.oldest_due_ms), (0, 0));
}

#[tokio::test]
async fn i2_what_is_released_goes_on_as_if_it_came_now() {
    let queue = Queue::start().await;
    let mut submission = suspicious(["a@example.test", "b@example.test"]);
    submission.junk = true;
    submission.options = Some(DeliveryOptions {
        priority: -2,
        ..DeliveryOptions::default()
    });
    let held = queue.enqueue(submission).await.unwrap();
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let arrived_at = queue.now();
    queue.advance(3 * 24 * HOUR_MS);
    let released_at = queue.now();
    assert_eq!(queue.release(held.message_id).await.unwrap(), 2);

    queue.advance(1);
    let mut messages: Vec<LeasedMessage> = Vec::new();
    while messages.iter().map(|m| m.recipients.len()).sum::<usize>() < 2 {
        messages.extend(worker.response().await.unwrap().messages);
    }
    for message in &messages {
        assert_eq!(message.received_at_ms, arrived_at, "it came when it came");
        let options = message.options.as_ref().unwrap();
        assert_eq!(
            message.released_at_ms, released_at,
            "its lifetime begins then"
        );
        assert_eq!(options.priority, -2, "what was asked is kept");
        assert!(message.junk);
        for recipient in &message.recipients {
            assert_eq!((recipient.epoch, recipient.attempts), (1, 0));
            assert!(queue.end(recipient, Outcome::Delivered).await);
        }
    }
    let shown = queue.show(held.message_id).await.unwrap();
    assert_eq!(shown.message, None);
    let of_a: Vec<_> = shown
        .history
        .iter()
        .filter(|event| event.address == "a@example.test")
        .cloned()
        .collect();
    assert_eq!(
        outcomes(&of_a),
        [Outcome::Quarantined, Outcome::Released, Outcome::Delivered]
    );
    assert_eq!(of_a[1].reason, "released from quarantine by root (postern)");
    assert_eq!(shown.history.len(), 6);
    let again = queue.release(held.message_id).await.unwrap_err();
    assert_eq!(again.code(), Code::NotFound);
}

#[tokio::test]
async fn what_is_held_for_later_waits_for_that_behind_its_release() {
    let queue = Queue::start().await;
    let submission = Submission {
        hold_until_ms: queue.now() + HOUR_MS,
        ..suspicious(["a@example.test"])
    };
    let held = queue.enqueue(submission).await.unwrap();
    queue.release(held.message_id).await.unwrap();
    let waiting = queue.show(held.message_id).await.unwrap().message.unwrap();
    assert_eq!(waiting.quarantine, None);
    assert_eq!(waiting.recipients[0].due_at_ms, queue.now() + HOUR_MS);
    assert_eq!(waiting.released_at_ms, queue.now() + HOUR_MS);
}

#[tokio::test]
async fn i2_what_is_removed_has_ended_and_nobody_is_told() {
    let queue = Queue::start().await;
    let held = queue
        .enqueue(suspicious(["a@example.test", "b@example.test"]))
        .await
        .unwrap();
    queue.advance(HOUR_MS);
    assert_eq!(queue.remove(held.message_id).await.unwrap(), 2);
    let shown = queue.show(held.message_id).await.unwrap();
    assert_eq!(shown.message, None);
    let quarantined = [Outcome::Quarantined; 2];
    let removed = [Outcome::Removed; 2];
    assert_eq!(
        outcomes(&shown.history),
        [quarantined, removed].concat(),
        "two recipients, each with one end"
    );
    assert_eq!(
        shown.history[2].reason,
        "removed from quarantine by root (postern)"
    );
    let counts = queue.statistics().await;
    assert_eq!(
        (counts.messages, counts.recipients, counts.quarantined),
        (0, 0, 0)
    );
    let mut connection = sqlx::PgConnection::connect(&queue.url).await.unwrap();
    let garbage: Vec<i64> = sqlx::query_scalar("SELECT body_id FROM volume.garbage")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(garbage, [held.message_id]);
    for answer in [
        queue.remove(held.message_id).await,
        queue.release(held.message_id).await,
    ] {
        assert_eq!(answer.unwrap_err().code(), Code::NotFound);
    }
}

/// Several administrators decide at the same time, at several replicas.
#[tokio::test]
async fn i2_one_of_many_decisions_counts() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(100);
    let mut released = 0;
    for _ in 0..10 {
        let held = queue
            .enqueue(suspicious(["a@example.test", "b@example.test"]))
            .await
            .unwrap();
        let id = held.message_id;
        let releases = join_all((0..4).map(|_| queue.release(id)));
        let removals = join_all((0..4).map(|_| queue.remove(id)));
        let (releases, removals) = tokio::join!(releases, removals);
        let won = |answers: &[Result<u32, Status>]| answers.iter().filter(|a| a.is_ok()).count();
        assert_eq!(won(&releases) + won(&removals), 1);
        let losers = releases
            .iter()
            .chain(&removals)
            .filter_map(|a| a.as_ref().err());
        assert!(
            losers
                .into_iter()
                .all(|status| status.code() == Code::NotFound)
        );
        if won(&releases) == 1 {
            released += 1;
            for recipient in worker.take(2).await {
                assert_eq!(recipient.recipient_id >> 14, id);
                assert!(queue.end(&recipient, Outcome::Delivered).await);
            }
        }
        let shown = queue.show(id).await.unwrap();
        assert_eq!(shown.message, None);
        let ends = outcomes(&shown.history);
        let end = if won(&releases) == 1 {
            Outcome::Delivered
        } else {
            Outcome::Removed
        };
        assert_eq!(
            ends.iter().filter(|one| **one == end).count(),
            2,
            "{ends:?}"
        );
        let other = if won(&releases) == 1 {
            Outcome::Removed
        } else {
            Outcome::Delivered
        };
        assert!(!ends.contains(&other), "{ends:?}");
    }
    let counts = queue.statistics().await;
    assert_eq!(
        (counts.messages, counts.quarantined),
        (0, 0),
        "{released} released"
    );
}

#[tokio::test]
async fn the_time_that_a_sender_set_does_not_count_in_quarantine() {
    let queue = Queue::start().await;
    let mut submission = suspicious(["a@example.test"]);
    submission.options = Some(DeliveryOptions {
        deliver_by: Some(DeliverBy {
            deadline_ms: queue.now() + HOUR_MS,
            or_return: true,
            trace: false,
        }),
        ..DeliveryOptions::default()
    });
    let held = queue.enqueue(submission).await.unwrap();
    let mut worker = queue.worker("worker").await;
    worker.grant(1);
    queue.advance(24 * HOUR_MS);
    queue.release(held.message_id).await.unwrap();
    queue.advance(1);
    let messages = worker.response().await.unwrap().messages;
    let options = messages[0].options.clone().unwrap_or_default();
    assert_eq!(options.deliver_by, None);
}

#[tokio::test]
async fn it_is_found_by_sender_recipient_and_reason() {
    let queue = Queue::start().await;
    let one = queue
        .enqueue(suspicious(["bob@example.test"]))
        .await
        .unwrap();
    let other = Submission {
        reverse_path: "mallory@y.test".to_owned(),
        quarantine: terms("blocked-attachment: the attachment \"a.exe\"", 30 * 86_400),
        ..suspicious(["eve@example.test"])
    };
    let other = queue.enqueue(other).await.unwrap();
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let ids = |messages: Vec<QueuedMessage>| {
        messages
            .iter()
            .map(|message| message.message_id)
            .collect::<Vec<_>>()
    };
    let all = [one.message_id, other.message_id];
    let by = |sender: &str, recipient: &str, reason: &str| ListQuarantinedRequest {
        actor: administrator(),
        sender: sender.to_owned(),
        recipient: recipient.to_owned(),
        reason: reason.to_owned(),
        ..ListQuarantinedRequest::default()
    };
    for (request, expected) in [
        (by("", "", ""), &all[..]),
        (by("alice@", "", ""), &all[..1]),
        (by("", "EVE@", ""), &all[1..]),
        (by("", "", "DMARC"), &all[..1]),
        (by("alice@", "eve@", ""), &[]),
    ] {
        assert_eq!(
            ids(queue.quarantined(request.clone()).await),
            expected,
            "{request:?}"
        );
    }
    let page = ListQuarantinedRequest {
        actor: administrator(),
        limit: 1,
        ..ListQuarantinedRequest::default()
    };
    let first = queue
        .quarantine()
        .list_quarantined(page.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first.next, one.message_id);
    let after = ListQuarantinedRequest {
        actor: administrator(),
        after: first.next,
        ..page
    };
    let second = queue.quarantined(after).await;
    assert_eq!(second[0].recipients[0].address, "eve@example.test");
    assert_eq!(ids(second), all[1..]);
}

#[tokio::test]
async fn i1_it_survives_a_restart() {
    let queue = Queue::start().await;
    let held = queue.enqueue(suspicious(["a@example.test"])).await.unwrap();
    let queue = queue.restart().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(1);
    assert_eq!(queue.statistics().await.quarantined, 1);
    queue.release(held.message_id).await.unwrap();
    let recipients = worker.take(1).await;
    assert!(queue.end(&recipients[0], Outcome::Relayed).await);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let queue = Queue::start().await;
    let halves = [
        Submission {
            quarantine: terms(REASON, 0),
            ..suspicious(["a@example.test"])
        },
        Submission {
            quarantine: terms("", 60),
            ..suspicious(["a@example.test"])
        },
    ];
    for half in halves {
        let refused = queue.enqueue(half).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(
            refused.message().contains("needs a reason and a time"),
            "{refused}"
        );
    }
    // Odd text of strangers in the reason does not cost the message.
    let odd = Submission {
        quarantine: terms(
            &format!("spf-fail: \r\n\u{1b}[2J\0{}", "x".repeat(9_000)),
            30 * 86_400,
        ),
        ..suspicious(["a@example.test"])
    };
    let held = queue.enqueue(odd).await.unwrap();
    let shown = queue.show(held.message_id).await.unwrap().message.unwrap();
    let reason = shown.quarantine.unwrap().reason;
    assert!(
        reason.starts_with("spf-fail: \u{fffd}\u{fffd}\u{fffd}[2J\u{fffd}x"),
        "{reason}"
    );
    assert!(reason.len() < 5_000);

    for author in [String::new(), "x".repeat(321), "a\nb".to_owned()] {
        let request = ReleaseQuarantinedRequest {
            actor: Some(Actor::administrator(author, None)),
            message_id: held.message_id,
        };
        let refused = queue
            .quarantine()
            .release_quarantined(request)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    for id in [0, -1, i64::MAX] {
        assert_eq!(queue.release(id).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(queue.remove(id).await.unwrap_err().code(), Code::NotFound);
    }
    assert_eq!(queue.statistics().await.quarantined, 1);
}

#[tokio::test]
async fn no_worker_can_put_into_quarantine_or_release() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(1);
    queue.enqueue(submission(["a@example.test"])).await.unwrap();
    let recipients = worker.take(1).await;
    for outcome in [Outcome::Quarantined, Outcome::Released] {
        let request = CompleteRequest {
            completions: vec![completion(&recipients[0], outcome)],
            ..CompleteRequest::default()
        };
        let refused = queue.complete(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    assert!(queue.end(&recipients[0], Outcome::Delivered).await);
}
