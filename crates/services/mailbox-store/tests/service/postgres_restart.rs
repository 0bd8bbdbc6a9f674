//! Postgres is killed and returns (I11): nothing that was answered is lost, nothing is delivered twice (I3),
//! and open streams continue.

use std::collections::HashMap;

use crate::running::{MESSAGE, Running, watch as watch_request};
use api::mailbox::v1::delivery_result::Status;
use api::mailbox::v1::{DeliverRequest, Delivery, deliver_response};
use test_kit::DurablePostgres;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Unanswered deliveries at a time.
const WINDOW: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn i3_i11_what_is_delivered_across_a_restart_of_postgres_arrives_once() {
    let postgres = std::sync::Arc::new(DurablePostgres::start());
    let mut running = Running::start(postgres.database()).await;
    let bob = running.add_user("bob@example.test").await;
    let body = running.body(MESSAGE).await;
    let (inbox, _) = running.select(bob, "INBOX").await;
    let (watch, watching) = mpsc::channel(1);
    let request = watch_request(bob, &[inbox.mailbox_id]);
    watch.send(request).await.unwrap();
    let notices = running
        .mailboxes
        .watch(ReceiverStream::new(watching))
        .await
        .unwrap();
    let mut notices = notices.into_inner();

    let (requests, out) = mpsc::channel(WINDOW);
    let answers = running
        .mailboxes
        .deliver(ReceiverStream::new(out))
        .await
        .unwrap();
    let mut answers = answers.into_inner();
    let mut open: HashMap<u64, Delivery> = HashMap::new();
    let mut waiting: Vec<Delivery> = (0..300).map(|_| running.delivery(body)).collect();
    let mut uids = HashMap::new();
    let mut tag = 0;
    let mut killing = None;
    while uids.len() < 300 {
        while open.len() < WINDOW {
            let Some(delivery) = waiting.pop() else { break };
            tag += 1;
            let request = DeliverRequest {
                tag,
                deliveries: vec![delivery.clone()],
            };
            requests.send(request).await.unwrap();
            open.insert(tag, delivery);
        }
        let answer = answers.message().await.unwrap().unwrap();
        let delivery = open.remove(&answer.tag).unwrap();
        match answer.result.unwrap() {
            deliver_response::Result::Delivered(delivered) => {
                let result = &delivered.results[0];
                assert!(matches!(
                    result.status(),
                    Status::Delivered | Status::Duplicate
                ));
                assert_eq!(uids.insert(delivery.recipient_id, result.uid), None);
            }
            // As a worker does.
            deliver_response::Result::Failure(_) => waiting.push(delivery),
        }
        if uids.len() == 100 && killing.is_none() {
            let postgres = std::sync::Arc::clone(&postgres);
            killing = Some(tokio::task::spawn_blocking(move || {
                postgres.kill();
                postgres.restart();
            }));
        }
    }
    killing.unwrap().await.unwrap();

    let (state, messages) = running.select(bob, "INBOX").await;
    let mut seen: Vec<u32> = messages.iter().map(|message| message.uid).collect();
    let mut told: Vec<u32> = uids.values().copied().collect();
    told.sort_unstable();
    seen.sort_unstable();
    assert_eq!(seen, told);
    assert_eq!(state.messages, 300);
    // The watcher has received the last change, whatever was lost before.
    let mut highest = 0;
    while highest < state.highest_modseq {
        let changes = notices.message().await.unwrap().unwrap().changes;
        highest = changes[0].highest_modseq;
    }
    running.drained().await;
}
