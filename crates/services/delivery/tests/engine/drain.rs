//! The end of the process.

use api::queue::v1::Outcome;
use delivery::Config;
use test_kit::FakeDns;
use tokio::sync::watch;

use crate::sink::{Manner, Sink};
use crate::system::{POLICY, System, message};

#[tokio::test]
async fn what_is_under_way_is_finished_and_what_waits_is_left() {
    let (go, hold) = watch::channel(false);
    let sink = Sink::start(Manner {
        hold: Some(hold),
        ..Manner::default()
    })
    .await;
    let mut system = System::remote("other.test A 127.0.0.1", sink.address).await;
    system.queue.give(vec![message(1, &["x@other.test"])]).await;
    sink.arrived
        .subscribe()
        .wait_for(|count| *count == 1)
        .await
        .unwrap();
    system.shutdown.cancel();
    go.send(true).unwrap();
    (&mut system.served).await.unwrap().unwrap();
    assert_eq!(system.queue.completion(1).await.outcome(), Outcome::Relayed);
}

#[tokio::test]
async fn what_is_under_way_is_finished_though_there_is_no_stream() {
    let (go, hold) = watch::channel(false);
    let sink = Sink::start(Manner {
        hold: Some(hold),
        ..Manner::default()
    })
    .await;
    let mut system = System::remote("other.test A 127.0.0.1", sink.address).await;
    system.queue.give(vec![message(1, &["x@other.test"])]).await;
    let mut arrived = sink.arrived.subscribe();
    arrived.wait_for(|count| *count == 1).await.unwrap();
    system.queue.state().no_leases = true;
    system.queue.break_lease();
    let turned_away = system.queue.until(|state| match state.turned_away {
        0 => None,
        times => Some(times),
    });
    let turned_away = turned_away.await;
    system.shutdown.cancel();
    let still_trying = system
        .queue
        .until(|state| (state.turned_away > turned_away).then_some(()));
    tokio::select! {
        _ = &mut system.served => panic!("what is under way was cut off"),
        () = still_trying => {}
    }
    go.send(true).unwrap();
    (&mut system.served).await.unwrap().unwrap();
    let recorded = system.queue.state().completions.clone();
    assert_eq!(recorded.len(), 1, "before the process ends");
    assert_eq!(recorded[0].outcome(), Outcome::Relayed);
}

#[tokio::test]
async fn i4_a_worker_that_ends_says_so_and_gives_back_what_waits() {
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
    let mut system = System::start(POLICY, Some(dns), config).await;
    system.queue.give(vec![message(1, &["x@other.test"])]).await;
    let mut arrived = sink.arrived.subscribe();
    arrived.wait_for(|count| *count == 1).await.unwrap();
    // It waits behind the running job. The delivery to a mailbox shows when it has been accepted.
    let waiting = message(2, &["x@other.test"]);
    let seen = message(9, &["bob@example.test"]);
    system.queue.give(vec![waiting, seen]).await;
    system.queue.completion(9).await;
    system.shutdown.cancel();
    system
        .queue
        .until(|state| (state.draining && state.given_back == [2]).then_some(()))
        .await;
    go.send(true).unwrap();
    (&mut system.served).await.unwrap().unwrap();
    assert_eq!(system.queue.completion(1).await.outcome(), Outcome::Relayed);
    assert_eq!(sink.taken().len(), 1);
}

#[tokio::test]
async fn what_comes_in_after_shutdown_is_given_back() {
    let (go, hold) = watch::channel(false);
    let sink = Sink::start(Manner {
        hold: Some(hold),
        ..Manner::default()
    })
    .await;
    let mut system = System::remote("other.test A 127.0.0.1", sink.address).await;
    system.queue.give(vec![message(1, &["x@other.test"])]).await;
    let mut arrived = sink.arrived.subscribe();
    arrived.wait_for(|count| *count == 1).await.unwrap();
    system.shutdown.cancel();
    system
        .queue
        .give(vec![message(2, &["bob@example.test"])])
        .await;
    system
        .queue
        .until(|state| (state.given_back == [2]).then_some(()))
        .await;
    // The worker continues to renew the running job's lease, and no other.
    system.queue.state().renewed.clear();
    system
        .queue
        .until(|state| state.renewed.contains(&1).then_some(()))
        .await;
    assert!(!system.queue.state().renewed.contains(&2));
    go.send(true).unwrap();
    (&mut system.served).await.unwrap().unwrap();
    assert!(system.mailboxes.seen().delivered.is_empty());
}

#[tokio::test]
async fn an_idle_worker_ends_at_once() {
    let mut system = System::local().await;
    system
        .queue
        .until(|state| (state.credits > 0).then_some(()))
        .await;
    system.shutdown.cancel();
    (&mut system.served).await.unwrap().unwrap();
}
