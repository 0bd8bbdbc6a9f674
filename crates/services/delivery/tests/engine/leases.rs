//! Leases, renewals and completions over streams that break.

use api::queue::v1::Outcome;
use tokio::sync::watch;

use crate::sink::{Manner, Sink};
use crate::system::{System, message};

#[tokio::test]
async fn a_broken_lease_stream_is_opened_again_with_all_credits() {
    let system = System::local().await;
    system
        .queue
        .until(|state| (state.credits == 1_000).then_some(()))
        .await;
    system.queue.break_lease();
    system
        .queue
        .until(|state| (state.credits == 2_000).then_some(()))
        .await;
    assert_eq!(system.queue.state().workers.len(), 2);
    system
        .queue
        .give(vec![message(1, &["bob@example.test"])])
        .await;
    assert_eq!(
        system.queue.completion(1).await.outcome(),
        Outcome::Delivered
    );
}

#[tokio::test]
async fn completions_outlive_a_broken_stream() {
    let system = System::local().await;
    system.queue.state().break_completions = 2;
    system
        .queue
        .give(vec![message(1, &["bob@example.test"])])
        .await;
    assert_eq!(
        system.queue.completion(1).await.outcome(),
        Outcome::Delivered
    );
}

#[tokio::test]
async fn i4_a_lease_is_renewed_while_another_server_takes_its_time() {
    let (go, hold) = watch::channel(false);
    let sink = Sink::start(Manner {
        hold: Some(hold),
        ..Manner::default()
    })
    .await;
    let system = System::remote("other.test A 127.0.0.1", sink.address).await;
    system.queue.give(vec![message(1, &["x@other.test"])]).await;
    system
        .queue
        .until(|state| state.renewed.contains(&1).then_some(()))
        .await;
    go.send(true).unwrap();
    assert_eq!(system.queue.completion(1).await.outcome(), Outcome::Relayed);
}
