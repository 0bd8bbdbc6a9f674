//! `throttle.v1`: counts of all front ends together.

use api::grpc::Code;
use api::throttle::v1::throttle_client::ThrottleClient;
use api::throttle::v1::{CountRequest, Counted, GreylistRequest};

use crate::harness::Queue;

const SECOND: u64 = 1_000_000;
const MINUTE_MS: u64 = 60_000;

fn counted(key: u8, cost_us: u64, events: u64) -> Counted {
    Counted {
        key: vec![key; 16].into(),
        cost_us,
        events,
    }
}

async fn count(queue: &Queue, counted: Vec<Counted>) -> Vec<u64> {
    let mut throttle = ThrottleClient::new(queue.channel.clone());
    let answer = throttle.count(CountRequest { counted }).await.unwrap();
    answer.into_inner().full_for_us
}

#[tokio::test]
async fn what_several_front_ends_count_is_added_and_leaks_with_time() {
    let queue = Queue::start().await;
    let first = count(&queue, vec![counted(1, SECOND, 3), counted(2, SECOND, 1)]).await;
    assert_eq!(first, [3 * SECOND, SECOND]);
    // In the request's order; a key that occurs twice is counted twice.
    let second = count(
        &queue,
        vec![
            counted(2, SECOND, 1),
            counted(1, SECOND, 2),
            counted(2, SECOND, 1),
        ],
    )
    .await;
    assert_eq!(second, [3 * SECOND, 5 * SECOND, 3 * SECOND]);
    queue.advance(2_000);
    assert_eq!(
        count(&queue, vec![counted(1, SECOND, 0)]).await,
        [3 * SECOND]
    );
    // An empty bucket fills from now on, not from the time it became empty.
    queue.advance(60_000);
    assert_eq!(count(&queue, vec![counted(1, SECOND, 1)]).await, [SECOND]);
    assert_eq!(count(&queue, Vec::new()).await, [0_u64; 0]);
}

#[tokio::test]
async fn i7_what_is_beyond_the_limits_is_refused() {
    let queue = Queue::start().await;
    let mut throttle = ThrottleClient::new(queue.channel.clone());
    let short = Counted {
        key: vec![1; 15].into(),
        ..Counted::default()
    };
    for counted in [
        vec![short],
        vec![counted(1, 25 * 3600 * SECOND, 1)],
        vec![counted(1, 1, 1_000_001)],
        vec![counted(1, 1, 1); 10_001],
    ] {
        let refused = throttle.count(CountRequest { counted }).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    let greylist = GreylistRequest {
        key: vec![1; 17].into(),
        ..GreylistRequest::default()
    };
    let refused = throttle.greylist(greylist).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

async fn wait(queue: &Queue, key: u8) -> u64 {
    let mut throttle = ThrottleClient::new(queue.channel.clone());
    let request = GreylistRequest {
        key: vec![key; 16].into(),
        delay_ms: 5 * MINUTE_MS,
        retry_within_ms: 60 * MINUTE_MS,
        remember_ms: 600 * MINUTE_MS,
    };
    throttle
        .greylist(request)
        .await
        .unwrap()
        .into_inner()
        .wait_ms
}

#[tokio::test]
async fn who_was_not_here_before_waits_once_and_is_known_then() {
    let queue = Queue::start().await;
    let minutes = |minutes: i64| queue.advance(minutes * 60_000);
    assert_eq!(wait(&queue, 1).await, 5 * MINUTE_MS);
    minutes(2);
    assert_eq!(
        wait(&queue, 1).await,
        3 * MINUTE_MS,
        "asking does not begin anew"
    );
    assert_eq!(wait(&queue, 2).await, 5 * MINUTE_MS, "another");
    minutes(3);
    assert_eq!(wait(&queue, 1).await, 0);
    // Each attempt is remembered from then on.
    minutes(599);
    assert_eq!(wait(&queue, 1).await, 0);
    minutes(599);
    assert_eq!(wait(&queue, 1).await, 0);
    minutes(601);
    assert_eq!(wait(&queue, 1).await, 5 * MINUTE_MS, "forgotten");
}

#[tokio::test]
async fn who_comes_back_too_late_waits_anew_and_restarts_forget_nothing() {
    let queue = Queue::start().await;
    assert_eq!(wait(&queue, 1).await, 5 * MINUTE_MS);
    queue.advance(61 * 60_000);
    assert_eq!(wait(&queue, 1).await, 5 * MINUTE_MS);
    let queue = queue.restart().await;
    queue.advance(5 * 60_000);
    assert_eq!(wait(&queue, 1).await, 0);
}
