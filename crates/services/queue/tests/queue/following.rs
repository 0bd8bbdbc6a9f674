//! A message is found: by the id that its client read, by its addresses, in the log.

use api::grpc::{Code, Status};
use api::queue::v1::quarantine_client::QuarantineClient;
use api::queue::v1::{
    CompleteRequest, Component, FindMessageRequest, HistoryEvent, HistoryKey, Origin, Outcome,
    QuarantineTerms, ReleaseQuarantinedRequest, SearchHistoryRequest, SearchHistoryResponse,
    Submission,
};
use test_kit::LogLines;

use crate::ends::bounce;
use crate::harness::{Peer, Queue, administrator, completion, submission};

/// Time between two messages.
const STEP_MS: i64 = 8 * 3_600_000;

impl Peer {
    async fn find(&self, session: &str) -> Result<i64, Status> {
        let session = session.to_owned();
        let found = self
            .client()
            .find_message(FindMessageRequest {
                actor: administrator(),
                session,
            })
            .await?;
        Ok(found.into_inner().message_id)
    }

    async fn search(&self, request: SearchHistoryRequest) -> SearchHistoryResponse {
        let found = self.client().search_history(request).await;
        found.unwrap().into_inner()
    }
}

fn accepted_as(session: &str, submission: Submission) -> Submission {
    Submission {
        origin: Some(Origin {
            component: Component::Smtp.into(),
            peer_address: "203.0.113.9".to_owned(),
            session: session.to_owned(),
            ..Origin::default()
        }),
        ..submission
    }
}

#[tokio::test]
async fn a_message_is_found_by_the_id_that_its_client_read() {
    let queue = Queue::start().await;
    let one = accepted_as("01M8PP6D2X9Q7", submission(["bob@example.test"]));
    let other = accepted_as("01m8pp6d2x9q8", submission(["bob@example.test"]));
    let one = queue.enqueue(one).await.unwrap().message_id;
    let other = queue.enqueue(other).await.unwrap().message_id;
    assert_eq!(queue.find("01M8PP6D2X9Q7").await.unwrap(), one);
    assert_eq!(queue.find("01m8pp6d2x9q7").await.unwrap(), one);
    assert_eq!(queue.find("01M8PP6D2X9Q8").await.unwrap(), other);
    for unknown in ["01M8PP6D2X9Q9", &one.to_string(), "", "' OR true --"] {
        let refusal = queue.find(unknown).await.unwrap_err();
        assert_eq!(refusal.code(), Code::NotFound, "{unknown}");
    }

    // The worker logs the same id, which also finds a message that has left the queue.
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let mut notice = 0;
    let mut left = 3;
    while left > 0 {
        for message in worker.response().await.unwrap().messages {
            let end = match message.message_id {
                id if id == one => {
                    assert_eq!(message.session, "01M8PP6D2X9Q7");
                    bounce(&message.recipients[0])
                }
                id => {
                    if id != other {
                        notice = id;
                    }
                    let session = if id == other { "01M8PP6D2X9Q8" } else { "" };
                    assert_eq!(message.session, session);
                    CompleteRequest {
                        completions: vec![completion(&message.recipients[0], Outcome::Relayed)],
                        ..CompleteRequest::default()
                    }
                }
            };
            left -= message.recipients.len();
            assert_eq!(queue.complete(end).await.unwrap().stale, []);
        }
    }
    assert!(queue.show(one).await.unwrap().message.is_none());
    assert_eq!(queue.find("01M8PP6D2X9Q7").await.unwrap(), one);
    let events = queue.show(one).await.unwrap().history;
    assert_eq!(events[0].session, "01M8PP6D2X9Q7");
    assert_eq!(queue.show(notice).await.unwrap().history[0].session, "");
}

/// Mail accepted while a worker has credits is handed over without a read of the table.
#[tokio::test]
async fn the_id_goes_to_the_worker_by_both_ways() {
    let queue = Queue::start().await;
    let waits = accepted_as("01M8PP6D2X9Q7", submission(["bob@example.test"]));
    queue.enqueue(waits).await.unwrap();
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let scanned = worker.response().await.unwrap().messages;
    assert_eq!(scanned[0].session, "01M8PP6D2X9Q7");
    let fresh = accepted_as("01M8PP6D2X9Q8", submission(["bob@example.test"]));
    queue.enqueue(fresh).await.unwrap();
    let handed = worker.response().await.unwrap().messages;
    assert_eq!(handed[0].session, "01M8PP6D2X9Q8");
}

/// Some days of mail: a message every eight hours from alice or carol, to two recipients each.
async fn some_days_of_mail(queue: &Queue) -> Vec<i64> {
    let mut worker = queue.worker("worker").await;
    worker.grant(100);
    let mut ids = Vec::new();
    for n in 0..7 {
        let to = [
            format!("Bob{n}@example.test"),
            "jim.bob0@slow.test".to_owned(),
        ];
        let mut message = submission(to.iter().map(String::as_str));
        if n % 2 == 1 {
            message.reverse_path = "carol@x.test".to_owned();
        }
        let message = accepted_as(&format!("01M8PP6D2X9Q{n}"), message);
        ids.push(queue.enqueue(message).await.unwrap().message_id);
        for recipient in worker.take(2).await {
            assert!(queue.end(&recipient, Outcome::Relayed).await);
        }
        queue.advance(STEP_MS);
    }
    ids
}

fn recipients(events: &[HistoryEvent]) -> Vec<&str> {
    events.iter().map(|event| &*event.address).collect()
}

#[tokio::test]
async fn the_history_is_searched_by_addresses_time_and_message() {
    let queue = Queue::start().await;
    let ids = some_days_of_mail(&queue).await;
    type Row<'a> = (&'a str, &'a str, i64, i64, &'a [&'a str]);
    let rows: &[Row<'_>] = &[
        // sender, recipient, steps back, message → recipients, newest first
        ("", "bob3@example.test", 0, 0, &["Bob3@example.test"]),
        ("", "BOB3@EXAMPLE.TEST", 0, 0, &["Bob3@example.test"]),
        // A whole address does not match as a part of another.
        ("", "bob0@slow.test", 0, 0, &[]),
        ("", "m.bob0@", 1, 0, &["jim.bob0@slow.test"]),
        (
            "carol@x.test",
            "bob",
            0,
            0,
            &[
                "jim.bob0@slow.test",
                "Bob5@example.test",
                "jim.bob0@slow.test",
                "Bob3@example.test",
                "jim.bob0@slow.test",
                "Bob1@example.test",
            ],
        ),
        ("carol", "bob5@example.test", 0, 0, &["Bob5@example.test"]),
        ("alice", "bob5@example.test", 0, 0, &[]),
        (
            "",
            "@example.test",
            2,
            0,
            &["Bob6@example.test", "Bob5@example.test"],
        ),
        ("", "", 1, 0, &["jim.bob0@slow.test", "Bob6@example.test"]),
        (
            "",
            "",
            0,
            ids[2],
            &["jim.bob0@slow.test", "Bob2@example.test"],
        ),
        ("", "bob2@example.test", 0, ids[2], &["Bob2@example.test"]),
        ("", "bob2@example.test", 0, ids[1], &[]),
        ("", "%", 0, 0, &[]),
    ];
    for &(sender, recipient, steps, message_id, expected) in rows {
        let request = SearchHistoryRequest {
            actor: administrator(),
            sender: sender.to_owned(),
            recipient: recipient.to_owned(),
            since_ms: if steps == 0 {
                0
            } else {
                queue.now() - steps * STEP_MS
            },
            message_id,
            ..SearchHistoryRequest::default()
        };
        let found = queue.search(request).await;
        let row = format!("{sender} {recipient} {steps} {message_id}");
        assert_eq!(recipients(&found.events), expected, "{row}");
        assert_eq!(found.next, None);
    }
}

#[tokio::test]
async fn the_history_is_read_page_by_page_and_nothing_twice() {
    let queue = Queue::start().await;
    some_days_of_mail(&queue).await;
    let mut events: Vec<HistoryEvent> = Vec::new();
    let mut after: Option<HistoryKey> = None;
    loop {
        let request = SearchHistoryRequest {
            actor: administrator(),
            after,
            limit: 3,
            ..SearchHistoryRequest::default()
        };
        let page = queue.search(request).await;
        assert!(page.events.len() <= 3);
        events.extend(page.events);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(events.len(), 14);
    let key = |event: &HistoryEvent| (event.at_ms, event.recipient_id);
    assert!(events.windows(2).all(|pair| key(&pair[0]) > key(&pair[1])));
    assert_eq!(events[0].session, "01M8PP6D2X9Q6");
    let too_many = SearchHistoryRequest {
        actor: administrator(),
        limit: 1001,
        ..SearchHistoryRequest::default()
    };
    let refusal = queue.client().search_history(too_many).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_is_accepted_or_decided_is_one_line_of_the_log() {
    let log = LogLines::record();
    let queue = Queue::start().await;
    let mut message = accepted_as(
        "01M8PP6D2X9Q7",
        submission(["bob@example.test", "eve@example.test"]),
    );
    message.origin.as_mut().unwrap().login = "alice@example.test".to_owned();
    let message = queue.enqueue(message).await.unwrap().message_id;
    let mut worker = queue.worker("worker").await;
    worker.grant(2);
    let recipients = worker.take(2).await;
    queue.complete(bounce(&recipients[0])).await.unwrap();
    let shown = queue.show(message).await.unwrap();
    let notice = shown.children[0].message_id;
    let suspicious = Submission {
        quarantine: Some(QuarantineTerms {
            reason: "dmarc-quarantine: DMARC of alice@example.test".to_owned(),
            seconds: 86_400,
        }),
        ..accepted_as("01M8PP6D2X9Q8", submission(["bob@example.test"]))
    };
    let held = queue.enqueue(suspicious).await.unwrap().message_id;
    let release = ReleaseQuarantinedRequest {
        actor: administrator(),
        message_id: held,
    };
    let mut quarantine = QuarantineClient::new(queue.channel.clone());
    quarantine.release_quarantined(release).await.unwrap();
    assert_eq!(
        log.of("mail"),
        [
            format!(
                "accepted id=\"01M8PP6D2X9Q7\" message_id={message} component=\"smtp\" peer=\"203.0.113.9\" \
                 login=\"alice@example.test\" sender=alice@example.test recipients=2 size=30"
            ),
            format!(
                "accepted message_id={notice} about={message} component=\"delivery\" sender=<> \
                 recipients=1 size=30"
            ),
            format!(
                "quarantined id=\"01M8PP6D2X9Q8\" message_id={held} component=\"smtp\" peer=\"203.0.113.9\" \
                 sender=alice@example.test recipients=1 size=30 verdict=\"dmarc-quarantine\""
            ),
            format!("released from quarantine id=\"01M8PP6D2X9Q8\" message_id={held} recipients=1"),
        ]
    );
}
