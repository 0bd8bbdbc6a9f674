//! Lanes and queues by the history of the destination.

use super::*;
use crate::fixture;
use crate::leases::Leases;

fn add(table: &Table, history: History) -> Admission {
    let target = target();
    table.add(&target, history, job())
}

fn job() -> Job {
    let lease = fixture::lease(&Leases::new(1), 1, 1);
    Job::new(&fixture::work(), vec![lease])
}

/// A table with a destination of this many lanes, all connected.
fn at_work(lanes: usize) -> (Arc<Table>, Vec<Connected>) {
    let table = Arc::new(Table::new(8));
    for _ in 0..20 {
        add(&table, History::New);
    }
    assert_eq!(table.grow(&target()), 7);
    let connected = (0..lanes).map(|_| table.connected(&target()));
    let connected = connected.collect();
    (table, connected)
}

fn refuse(table: &Table) -> Refused {
    let failure = Failure::temporary("4.4.0", "421");
    table.refused(&target(), History::Good, &failure, job())
}

/// Number of jobs in the destination's queue.
fn queued(table: &Table) -> usize {
    table.lock().destinations[&target()].queue.len()
}

fn target() -> Target {
    Target::Direct(rules::Host::Literal([192, 0, 2, 1].into()))
}

#[test]
fn a_destination_has_one_lane_until_it_has_proved_good() {
    let table = Table::new(3);
    assert!(matches!(add(&table, History::New), Admission::NewLane));
    for _ in 0..5 {
        assert!(matches!(add(&table, History::New), Admission::Queued));
    }
    assert_eq!(table.grow(&target()), 2);
    assert_eq!(table.grow(&target()), 0, "it has all its lanes");
    assert!(matches!(add(&table, History::Good), Admission::Queued));
}

#[test]
fn what_waits_for_a_silent_destination_is_little() {
    let table = Table::new(3);
    for _ in 0..SILENT_JOBS {
        let admission = add(&table, History::Silent);
        assert!(matches!(admission, Admission::NewLane | Admission::Queued));
    }
    let Admission::Unreachable(_, failure) = add(&table, History::Silent) else {
        panic!("it is put off");
    };
    assert!(!failure.permanent);
    assert!(matches!(add(&table, History::Good), Admission::NewLane));
}

#[tokio::test(start_paused = true)]
async fn what_was_learnt_before_an_attempt_was_asked_for_does_not_put_it_off() {
    let table = Table::new(3);
    let asked_before = Instant::now();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(matches!(add(&table, History::New), Admission::NewLane));
    let failure = Failure::temporary("4.4.1", "Nobody is there.");
    let failed = table.refused(&target(), History::Silent, &failure, job());
    assert!(matches!(failed, Refused::Destination(..)));
    tokio::time::advance(Duration::from_secs(1)).await;

    table.forget_unreachable(&target(), asked_before);
    let admission = add(&table, History::New);
    assert!(
        matches!(admission, Admission::Unreachable(..)),
        "it is news"
    );

    table.forget_unreachable(&target(), Instant::now());
    assert!(!matches!(
        add(&table, History::New),
        Admission::Unreachable(..)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_refused_lane_ends_alone_while_others_have_connections_and_is_tried_again_later() {
    let (table, _connected) = at_work(3);
    for refused in 1..=5 {
        assert!(matches!(refuse(&table), Refused::LaneEnds));
        assert_eq!(queued(&table), 20 + refused, "its job is the others'");
    }
    assert_eq!(table.grow(&target()), 0, "it takes three");
    assert!(matches!(add(&table, History::Good), Admission::Queued));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(table.grow(&target()), 1, "perhaps it takes more now");
    assert_eq!(table.grow(&target()), 0);
    assert!(matches!(refuse(&table), Refused::LaneEnds));
    assert_eq!(table.grow(&target()), 0);
    tokio::time::advance(Duration::from_secs(300)).await;
    assert_eq!(table.grow(&target()), 5, "all of them");
}

#[tokio::test(start_paused = true)]
async fn the_only_lane_of_a_destination_that_was_good_lately_asks_again() {
    let (table, connected) = at_work(8);
    drop(connected);
    for _ in PAUSES_MS {
        assert!(matches!(refuse(&table), Refused::Again(..)));
    }
    let Refused::Destination(_, waiting) = refuse(&table) else {
        panic!("it is not there");
    };
    assert_eq!(waiting.len(), 20);
    // The destination is reachable again.
    drop(table.connected(&target()));
    assert!(matches!(
        add(&table, History::Good),
        Admission::NewLane | Admission::Queued
    ));
    table.grow(&target());
    tokio::time::advance(LATELY).await;
    assert!(matches!(refuse(&table), Refused::Destination(..)));
}

#[tokio::test(start_paused = true)]
async fn how_many_lanes_a_destination_takes_is_remembered_for_a_while() {
    let (table, connected) = at_work(1);
    assert!(matches!(refuse(&table), Refused::LaneEnds));
    drop(connected);
    for _ in 0..7 {
        while let Next::Job(_) = table.next(&target(), false) {}
    }
    assert!(matches!(add(&table, History::Good), Admission::NewLane));
    assert!(matches!(add(&table, History::Good), Admission::Queued));
    while let Next::Job(_) = table.next(&target(), false) {}
    tokio::time::advance(Duration::from_secs(1_800)).await;
    let other = Target::Direct(rules::Host::Literal([192, 0, 2, 2].into()));
    let failure = Failure::temporary("4.4.0", "421");
    table.refused(&other, History::Good, &failure, job());
    assert!(table.lock().destinations.is_empty(), "nothing is left");
}
