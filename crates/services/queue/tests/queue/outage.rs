//! Postgres goes away and returns (I8, I11).

use std::collections::HashSet;
use std::sync::Arc;

use api::grpc::Code;
use api::queue::v1::Outcome;
use std::time::Duration;

use test_kit::{DurablePostgres, Postgres, PostgresProxy};

use crate::harness::{Queue, completion, in_time, submission};

async fn durable() -> Arc<DurablePostgres> {
    let start = || Arc::new(DurablePostgres::start());
    tokio::task::spawn_blocking(start).await.unwrap()
}

async fn blocking(
    postgres: &Arc<DurablePostgres>,
    act: impl FnOnce(&DurablePostgres) + Send + 'static,
) {
    let postgres = Arc::clone(postgres);
    tokio::task::spawn_blocking(move || act(&postgres))
        .await
        .unwrap();
}

#[tokio::test]
async fn i8_without_a_database_nothing_is_accepted_and_the_service_lives() {
    let postgres = durable().await;
    let queue = Queue::start_on(postgres.database()).await;
    blocking(&postgres, DurablePostgres::kill).await;
    let status = queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    blocking(&postgres, DurablePostgres::restart).await;
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
}

/// Up to a second passes between the failover and the next look at the database.
#[tokio::test]
async fn i1_after_a_failover_to_a_database_that_does_not_flush_nothing_is_accepted_from_the_first()
{
    let postgres = durable().await;
    let queue = Queue::start_on_durable(postgres.database()).await;
    let enqueue = || queue.enqueue(submission(["bob@example.test"]));
    enqueue().await.unwrap();
    blocking(&postgres, DurablePostgres::kill).await;
    blocking(&postgres, DurablePostgres::restart_without_fsync).await;
    let many = futures::future::join_all((0..20).map(|_| enqueue())).await;
    for refused in many {
        let status = refused.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status}");
    }
    blocking(&postgres, DurablePostgres::kill).await;
    blocking(&postgres, DurablePostgres::restart).await;
    let back = async { while enqueue().await.is_err() {} };
    in_time(back).await;
}

#[tokio::test]
async fn i11_a_killed_postgres_loses_nothing_accepted_and_every_recipient_ends_once() {
    let postgres = durable().await;
    let queue = Queue::start_on(postgres.database()).await;
    let worker = queue.worker("worker").await;
    let mut submitter = queue.submitter().await;
    let mut accepted = HashSet::new();
    for round in 0..3 {
        worker.grant(20);
        for tag in 0..60 {
            submitter.send(tag, submission(["bob@example.test"]));
        }
        if round > 0 {
            blocking(&postgres, DurablePostgres::kill).await;
            blocking(&postgres, DurablePostgres::restart).await;
        }
        for _ in 0..60 {
            match submitter.answer().await.1 {
                Ok(message) => assert!(accepted.insert(message.message_id)),
                Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
            }
        }
    }
    assert!(accepted.len() >= 60);

    // All accepted mail is delivered, even if a lease was lost with the connection.
    worker.break_off();
    let mut worker = queue.worker("another").await;
    let mut ended = HashSet::new();
    // Once only: the clock must not pass the end of the leases that this worker gets.
    queue.advance(25_000);
    worker.grant(1_000);
    while !accepted.is_subset(&ended) {
        let response = worker.response().await.unwrap();
        let recipients: Vec<_> = response
            .messages
            .iter()
            .flat_map(|m| &m.recipients)
            .collect();
        let request = api::queue::v1::CompleteRequest {
            completions: recipients
                .iter()
                .map(|recipient| completion(recipient, Outcome::Delivered))
                .collect(),
            ..Default::default()
        };
        let stale = queue.complete(request).await.unwrap().stale;
        for message in &response.messages {
            if !stale
                .iter()
                .any(|key| key.recipient_id >> 14 == message.message_id)
            {
                assert!(ended.insert(message.message_id), "ended twice");
            }
        }
    }
    for id in &accepted {
        let history = queue.show(*id).await.unwrap().history;
        assert_eq!(history.len(), 1, "{history:?}");
    }
}

#[tokio::test]
async fn i11_a_scan_does_not_wait_for_ever_for_a_postgres_that_fell_silent() {
    let proxy = PostgresProxy::start(&Postgres::start().database().await);
    let queue = Queue::start_on(proxy.url().to_owned()).await;
    let mut worker = queue.worker("worker").await;
    queue.enqueue(submission(["a@example.test"])).await.unwrap();
    proxy.fall_silent_at("FOR UPDATE SKIP LOCKED");
    worker.grant(10);
    in_time(proxy.is_silent()).await;
    // Longer than the retry budget.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(21)).await;
    tokio::time::resume();
    let found = worker.take(1).await;
    assert_eq!(found[0].address, "a@example.test");
}
