//! Leases and credits.

use super::*;

fn recipients(ids: std::ops::Range<i64>) -> Vec<LeasedRecipient> {
    ids.map(|recipient_id| recipient(recipient_id, 1)).collect()
}

fn recipient(recipient_id: i64, epoch: u32) -> LeasedRecipient {
    LeasedRecipient {
        recipient_id,
        epoch,
        ..LeasedRecipient::default()
    }
}

fn key(recipient_id: i64, epoch: u32) -> LeaseKey {
    LeaseKey {
        recipient_id,
        epoch,
    }
}

fn ended(leases: Vec<Lease>) -> Vec<Ended> {
    let leases = leases.into_iter();
    leases
        .map(|lease| lease.complete(Completion::default()))
        .collect()
}

#[test]
fn a_lease_is_held_until_its_end_is_recorded_and_then_gives_its_credit_back() {
    let leases = Leases::new(10);
    assert_eq!(leases.begin(), 10);
    let mut held = leases.take(recipients(0..3));
    let last = held.pop();
    let ended = ended(held);
    assert_eq!(ended[1].completion().lease, Some(key(1, 1)));
    assert_eq!((leases.len(), leases.take_credits()), (3, 0));
    Ended::recorded(ended);
    assert_eq!((leases.len(), leases.take_credits()), (1, 2));
    drop(last);
    assert_eq!((leases.len(), leases.take_credits()), (0, 1));
    assert!(leases.take_left().is_empty(), "it lapses");
}

#[test]
fn what_has_not_begun_is_given_back_once_unless_it_is_void() {
    let leases = Leases::new(10);
    let before = leases.take(recipients(0..2));
    let again = leases.take(vec![recipient(1, 2)]);
    assert!(before[1].is_void() && !before[0].is_void() && !again[0].is_void());
    Lease::give_back(before);
    assert_eq!(leases.take_left(), [key(0, 1)]);
    assert!(leases.take_left().is_empty());
    assert_eq!(leases.all(), [key(1, 2)]);
}

#[test]
fn the_lease_of_a_task_that_panics_lapses() {
    let leases = Leases::new(10);
    let held = leases.take(recipients(0..1));
    let task = std::thread::spawn(move || {
        let _held = held;
        panic!("on purpose");
    });
    assert!(task.join().is_err());
    assert!(leases.is_idle());
    assert!(leases.take_left().is_empty());
}

#[test]
fn remote_recipients_give_their_credit_back_at_once_and_not_again() {
    let leases = Leases::new(10);
    leases.begin();
    let remote = leases.take(recipients(0..3));
    assert!(leases.begin_remote(&remote));
    assert!(
        leases.begin_remote(&remote),
        "marking twice changes nothing"
    );
    assert_eq!(leases.take_credits(), 3);
    Ended::recorded(ended(remote));
    assert_eq!(leases.take_credits(), 0);
    assert!(leases.is_idle());
}

#[test]
fn more_remote_recipients_than_the_limit_are_turned_away() {
    let leases = Leases::new(10);
    leases.begin();
    let many = leases.take(recipients(0..10_001));
    assert!(!leases.begin_remote(&many));
    assert!(leases.begin_remote(&many[..10_000]));
    assert!(!leases.begin_remote(&many[10_000..]));
}

#[test]
fn only_what_is_held_for_a_while_is_renewed() {
    let leases = Leases::new(10);
    leases.begin();
    let _first = leases.take(recipients(0..1));
    assert!(leases.to_renew().is_empty());
    let _second = leases.take(recipients(1..2));
    assert_eq!(leases.to_renew(), vec![key(0, 1)]);
}

#[test]
fn what_is_under_way_is_taken_over_to_a_new_stream() {
    let leases = Leases::new(10);
    leases.begin();
    let held = leases.take(recipients(0..3));
    assert!(leases.begin_remote(&held[..1]));
    assert_eq!(leases.begin(), 8);
    let mut all = leases.all();
    all.sort_by_key(|lease| lease.recipient_id);
    assert_eq!(all, [key(0, 1), key(1, 1), key(2, 1)]);
    // The queue ended one of them, and leases it to this worker again.
    let again = leases.take(vec![recipient(1, 2)]);
    let void: Vec<bool> = held.iter().map(Lease::is_void).collect();
    assert_eq!(void, [false, true, false]);
    assert_eq!(leases.take_credits(), 1, "the place of the void one");
    drop(held);
    assert_eq!(leases.take_credits(), 1, "the void one has none");
    assert_eq!(leases.all(), [again[0].key()]);
}
