//! Several workers side by side, and workers that the queue refuses.

use std::collections::HashSet;

use api::queue::v1::Outcome;

use crate::system::{System, message};

#[tokio::test]
async fn two_workers_of_one_host_name_and_process_id_have_two_names() {
    let system = System::local().await;
    let other = system.another_worker();
    let names = system
        .queue
        .until(|state| (state.workers.len() >= 2).then(|| state.workers.clone()));
    let names = names.await;
    let different: HashSet<_> = names.iter().map(|worker| &worker.name).collect();
    assert_eq!(different.len(), 2, "{names:?}");
    let instances: HashSet<_> = names.iter().map(|worker| &worker.instance).collect();
    assert_eq!(instances.len(), 2, "{names:?}");
    system.shutdown.cancel();
    other.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_worker_is_ready_while_it_has_a_stream_and_the_same_on_each() {
    let system = System::local().await;
    system.is_ready(true).await;
    system.queue.state().no_leases = true;
    system.queue.break_lease();
    system.is_ready(false).await;
    system.queue.state().no_leases = false;
    system.is_ready(true).await;
    system
        .queue
        .give(vec![message(1, &["bob@example.test"])])
        .await;
    let completion = system.queue.completion(1).await;
    assert_eq!(completion.outcome(), Outcome::Delivered);
    let workers = system.queue.state().workers.clone();
    assert_eq!(workers[0].name, workers[1].name);
    assert_eq!(workers[0].instance, workers[1].instance);
}

#[tokio::test]
async fn a_worker_whose_name_is_another_s_is_not_ready_until_it_is_taken_in() {
    let system = System::local_in(|state| state.name_in_use = true).await;
    let turned_away = system
        .queue
        .until(|state| (state.turned_away > 0).then_some(()));
    turned_away.await;
    system.is_ready(false).await;
    system.queue.state().name_in_use = false;
    system.is_ready(true).await;
}

#[tokio::test]
async fn a_worker_that_holds_nothing_gives_signs_of_life() {
    let system = System::local().await;
    system
        .queue
        .until(|state| (state.signs_of_life > 1).then_some(()))
        .await;
}
