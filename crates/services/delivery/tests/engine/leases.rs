//! Leases, renewals and completions over streams that break.

use api::grpc::Code;
use api::queue::v1::Outcome;
use delivery::Config;
use test_kit::FakeDns;
use tokio::sync::watch;

use crate::sink::{Manner, Sink};
use crate::system::{POLICY, System, message};

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
async fn one_outcome_that_the_queue_refuses_costs_no_other() {
    for code in [Code::InvalidArgument, Code::OutOfRange, Code::Internal] {
        let system = System::local().await;
        system.queue.state().poison = Some((70, code));
        let addresses = ["bob@example.test"; 100];
        let messages = vec![message(1, &addresses), message(101, &["bob@example.test"])];
        system.queue.give(messages).await;
        for id in (1..=101).filter(|id| *id != 70) {
            let completion = system.queue.completion(id).await;
            assert_eq!(completion.outcome(), Outcome::Delivered);
        }
        let completions = &system.queue.state().completions;
        assert_eq!(completions.len(), 100, "each is recorded once");
    }
}

#[tokio::test]
async fn a_refused_outcome_gives_its_credit_back_and_its_lease_is_left_to_lapse() {
    let system = System::local().await;
    system.queue.state().poison = Some((1, Code::InvalidArgument));
    system
        .queue
        .give(vec![message(1, &["bob@example.test"])])
        .await;
    system
        .queue
        .until(|state| (state.credits == 1_001).then_some(()))
        .await;
    assert!(system.queue.state().completions.is_empty());
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

#[tokio::test]
async fn i4_a_recipient_that_is_leased_anew_while_it_waits_is_relayed_once() {
    let (go, hold) = watch::channel(false);
    let sink = Sink::start(Manner {
        hold: Some(hold),
        ..Manner::default()
    })
    .await;
    let config = Config {
        smtp_port: sink.address.port(),
        connections_per_destination: 1,
        ..Config::default()
    };
    let dns = FakeDns::start("other.test A 127.0.0.1").await;
    let system = System::start(POLICY, Some(dns), config).await;
    system.queue.give(vec![message(1, &["x@other.test"])]).await;
    let mut arrived = sink.arrived.subscribe();
    arrived.wait_for(|count| *count == 1).await.unwrap();
    // It waits behind the running job. The delivery to a mailbox shows when they have been accepted.
    for (epoch, marker) in [(1, 8), (2, 9)] {
        let mut waiting = message(2, &["x@other.test"]);
        waiting.recipients[0].epoch = epoch;
        let seen = message(marker, &["bob@example.test"]);
        system.queue.give(vec![waiting, seen]).await;
        system.queue.completion(marker).await;
    }
    go.send(true).unwrap();
    let completion = system.queue.completion(2).await;
    assert_eq!(completion.outcome(), Outcome::Relayed);
    assert_eq!(completion.lease.unwrap().epoch, 2);
    assert_eq!(sink.taken().len(), 2);
}
