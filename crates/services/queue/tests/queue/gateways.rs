//! Failing gateways, as reported by several workers.

use api::grpc::Code;
use api::queue::v1::{CompleteRequest, GatewayAttempt, GatewayState, Outcome};
use sqlx::Connection as _;

use crate::harness::{Queue, completion, submission};

fn attempt(gateway: &str, failure: &str, age_ms: u64) -> GatewayAttempt {
    GatewayAttempt {
        gateway: gateway.to_owned(),
        failure: failure.to_owned(),
        age_ms,
    }
}

fn report(gateways: Vec<GatewayAttempt>) -> CompleteRequest {
    CompleteRequest {
        gateways,
        ..CompleteRequest::default()
    }
}

async fn told(queue: &Queue, failure: &str) -> GatewayState {
    let reported = report(vec![attempt("isp", failure, 0)]);
    queue.complete(reported).await.unwrap();
    state(queue).await
}

/// Where the gateway stands once what was reported is noted: behind the answer, before the next request is recorded.
async fn state(queue: &Queue) -> GatewayState {
    queue.complete(report(Vec::new())).await.unwrap();
    let mut states = queue.statistics().await.gateways;
    assert_eq!(states.len(), 1);
    states.remove(0)
}

/// The transaction that last wrote a row.
async fn written_by(queue: &Queue) -> i64 {
    let mut connection = sqlx::PgConnection::connect(&queue.url).await.unwrap();
    let written = "SELECT xmin::text::bigint FROM queue.gateway";
    sqlx::query_scalar(written)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_gateway_fails_from_the_first_failure_to_the_next_success() {
    let queue = Queue::start().await;
    assert_eq!(queue.statistics().await.gateways, []);
    let began = queue.now();
    let first = told(&queue, "").await;
    assert_eq!((first.failing_since_ms, first.last_success_ms), (0, began));

    queue.advance(1_000);
    let failed = told(&queue, "no connection").await;
    assert_eq!(failed.failing_since_ms, began + 1_000);
    assert_eq!(failed.last_failure, "no connection");
    queue.advance(1_000);
    let still = told(&queue, "the login was refused").await;
    assert_eq!(still.failing_since_ms, began + 1_000);
    assert_eq!(still.last_failure, "the login was refused");
    assert_eq!(still.last_success_ms, began);

    // The state survives a restart.
    let queue = queue.restart().await;
    assert_eq!(queue.statistics().await.gateways, [still]);
    queue.advance(1_000);
    let works = told(&queue, "").await;
    assert_eq!(works.failing_since_ms, 0);
    assert_eq!(works.last_success_ms, queue.now());
}

#[tokio::test]
async fn the_newest_of_several_workers_attempts_counts_also_when_it_is_told_late() {
    let queue = Queue::start().await;
    // A failed request was repeated after another worker had succeeded.
    assert_eq!(told(&queue, "").await.failing_since_ms, 0);
    let late = report(vec![attempt("isp", "no connection", 60_000)]);
    queue.complete(late).await.unwrap();
    let state = state(&queue).await;
    assert_eq!((state.failing_since_ms, &*state.last_failure), (0, ""));
}

#[tokio::test]
async fn mail_that_goes_on_as_before_writes_nothing() {
    let queue = Queue::start().await;
    for failure in ["", "no connection"] {
        told(&queue, failure).await;
        let written = written_by(&queue).await;
        for _ in 0..5 {
            queue.advance(10_000);
            told(&queue, failure).await;
        }
        assert_eq!(written_by(&queue).await, written);
        queue.advance(10_000);
        told(&queue, failure).await;
        assert_ne!(written_by(&queue).await, written, "once a minute");
    }
}

#[tokio::test]
async fn a_report_counts_along_with_completions_and_without_a_lease() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(1);
    queue.enqueue(submission(["a@example.test"])).await.unwrap();
    let recipients = worker.take(1).await;
    assert!(queue.end(&recipients[0], Outcome::Relayed).await);
    let stale = CompleteRequest {
        completions: vec![completion(&recipients[0], Outcome::Relayed)],
        ..report(vec![attempt("isp", "no connection", 0)])
    };
    let completed = queue.complete(stale).await.unwrap();
    assert_eq!(completed.stale.len(), 1);
    let state = state(&queue).await;
    assert_eq!(state.failing_since_ms, queue.now());
}

#[tokio::test]
async fn a_report_that_is_no_good_is_refused_as_a_whole() {
    let queue = Queue::start().await;
    let refused = queue.complete(report(vec![attempt("", "", 0)])).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(queue.statistics().await.gateways, []);
}
