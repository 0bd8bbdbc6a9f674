//! The end of the process.

use api::queue::v1::Outcome;
use tokio::sync::watch;

use crate::sink::{Manner, Sink};
use crate::system::{System, message};

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
async fn an_idle_worker_ends_at_once() {
    let mut system = System::local().await;
    system
        .queue
        .until(|state| (state.credits > 0).then_some(()))
        .await;
    system.shutdown.cancel();
    (&mut system.served).await.unwrap().unwrap();
}
