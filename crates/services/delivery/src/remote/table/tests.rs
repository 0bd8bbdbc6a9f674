//! Lanes and queues by what is known of the destination.

use super::*;
use crate::fixture;

fn add(table: &Table, history: History) -> Admission {
    let target = target();
    let job = Job::new(&fixture::work(), vec![fixture::recipient(1, 1)]);
    table.add(&target, history, job)
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
    table.unreachable(&target(), History::Silent, &failure);
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
