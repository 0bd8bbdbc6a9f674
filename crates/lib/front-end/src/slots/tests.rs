#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::time::Duration;

use super::*;
use crate::MakeRoom;

const LIMITS: Limits = Limits {
    total: 10,
    strangers: 10,
    per_address: 10,
    make_room_after: MakeRoom {
        strangers: Duration::from_secs(3),
        known: Duration::from_secs(30),
    },
};

fn slots(total: usize, per_address: usize) -> Slots {
    Slots::new(Limits {
        total,
        strangers: total,
        per_address,
        ..LIMITS
    })
}

fn take(slots: &Slots, address: &str) -> Option<TakenSlot> {
    slots.take(ip(address), Instant::now())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn is_empty(slots: &Slots) -> bool {
    slots.shared.lock().is_empty()
}

fn displaced(slot: &TakenSlot) -> bool {
    slot.state().is_displaced()
}

#[test]
fn a_place_is_free_again_when_its_connection_ends() {
    let slots = slots(10, 1);
    let first = take(&slots, "192.0.2.1").unwrap();
    assert!(take(&slots, "192.0.2.1").is_none());
    assert!(take(&slots, "::ffff:192.0.2.1").is_none());
    drop(first);
    assert!(take(&slots, "192.0.2.1").is_some());
    assert!(is_empty(&slots));
}

#[test]
fn an_ipv6_customer_has_one_network() {
    let slots = slots(10, 1);
    let _first = take(&slots, "2001:db8:1:2::1").unwrap();
    assert!(take(&slots, "2001:db8:1:2:ffff::9").is_none());
    assert!(take(&slots, "2001:db8:1:3::1").is_some());
}

#[test]
fn a_place_moves_to_the_address_that_a_proxy_tells() {
    let slots = slots(10, 1);
    let mut one = slots.take_for_proxy(Instant::now()).unwrap();
    let mut two = slots.take_for_proxy(Instant::now()).unwrap();
    assert!(one.move_to(ip("192.0.2.1")));
    assert!(one.move_to(ip("192.0.2.1")));
    assert!(!two.move_to(ip("192.0.2.1")));
    assert!(two.move_to(ip("192.0.2.2")));
    assert!(take(&slots, "192.0.2.1").is_none());
    assert!(one.move_to(ip("192.0.2.3")));
    assert!(take(&slots, "192.0.2.1").is_some());
    drop((one, two));
    assert!(is_empty(&slots));
}

#[test]
fn the_total_holds_for_all() {
    let slots = slots(2, 2);
    let _first = take(&slots, "192.0.2.1").unwrap();
    let _second = take(&slots, "192.0.2.2").unwrap();
    assert!(take(&slots, "192.0.2.3").is_none());
}

#[test]
fn a_newcomer_gets_the_place_that_is_offered_for_the_longest() {
    let slots = slots(3, 3);
    let [working, late, early] =
        ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|a| take(&slots, a).unwrap());
    let begun = Instant::now() + Duration::from_secs(60);
    early.state().offer_since(begun);
    late.state().offer_since(begun + Duration::from_secs(1));
    let at = |seconds| slots.take(ip("192.0.2.4"), begun + Duration::from_secs(seconds));
    // Nobody is driven out who has waited for a moment only.
    assert!(at(2).is_none());
    let newcomer = at(10).unwrap();
    assert!(displaced(&early) && !displaced(&late) && !displaced(&working));
    let second = at(10).unwrap();
    assert!(displaced(&late) && !displaced(&working));
    // All the others are at work.
    assert!(at(10).is_none());

    drop(early);
    assert!(at(10).is_none());
    drop(newcomer);
    assert!(at(10).is_some());
    drop((working, late, second));
    assert!(is_empty(&slots));
}

#[test]
fn who_has_enough_places_drives_nobody_out() {
    let slots = slots(2, 1);
    let one = take(&slots, "192.0.2.1").unwrap();
    let two = take(&slots, "192.0.2.2").unwrap();
    let begun = Instant::now();
    one.state().offer_since(begun);
    two.state().offer_since(begun);
    let later = begun + Duration::from_secs(10);
    assert!(slots.take(ip("192.0.2.1"), later).is_none());
    assert!(!displaced(&one) && !displaced(&two));
    assert!(slots.take(ip("192.0.2.3"), later).is_some());
}

#[test]
fn who_has_few_connections_gets_a_place_of_those_who_have_many() {
    let slots = slots(3, 3);
    let many = ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(|a| take(&slots, a).unwrap());
    let begun = Instant::now() + Duration::from_secs(60);
    for slot in &many {
        slot.state().offer_since(begun);
    }
    let at = |address, ms| slots.take(ip(address), begun + Duration::from_millis(ms));
    // Nobody has been of no use for three seconds; but a moment there must have been.
    assert!(at("192.0.2.3", 500).is_none());
    let newcomer = at("192.0.2.3", 1000).unwrap();
    assert!(!displaced(&many[2]));
    // Now each has one, as far as there are slots.
    assert!(at("192.0.2.4", 1000).is_none());
    drop((many, newcomer));
    assert!(is_empty(&slots));
}

#[test]
fn who_has_very_many_connections_makes_room_at_once() {
    let slots = slots(101, 100);
    let many: Vec<_> = (0..100)
        .map(|_| take(&slots, "192.0.2.1").unwrap())
        .collect();
    let one = take(&slots, "192.0.2.2").unwrap();
    let begun = Instant::now() + Duration::from_secs(60);
    for slot in many.iter().chain([&one]) {
        slot.state().offer_since(begun);
    }
    let at = |address, ms| slots.take(ip(address), begun + Duration::from_millis(ms));
    // Four hundredths of a quarter of three seconds.
    assert!(at("192.0.2.3", 25).is_none());
    let newcomer = at("192.0.2.3", 31).unwrap();
    assert!(!displaced(&one));
    let displaced = many.iter().filter(|slot| displaced(slot)).count();
    assert_eq!(displaced, 1);
    drop((many, one, newcomer));
    assert!(is_empty(&slots));
}

#[test]
fn strangers_have_a_limit_of_their_own_and_do_not_drive_out_who_is_known() {
    let slots = Slots::new(Limits {
        total: 4,
        strangers: 2,
        ..LIMITS
    });
    let begun = Instant::now() + Duration::from_secs(600);
    let at = |address, seconds| slots.take(ip(address), begun + Duration::from_secs(seconds));
    let mut known = take(&slots, "192.0.2.1").unwrap();
    known.vouch(true);
    known.state().offer_since(begun);
    let strangers = ["192.0.2.2", "192.0.2.3"].map(|a| take(&slots, a).unwrap());
    // There is a slot, but not for one more stranger, as long as no stranger makes room.
    assert!(at("192.0.2.4", 100).is_none());
    strangers[0].state().offer_since(begun);
    let third = at("192.0.2.4", 101).unwrap();
    assert!(displaced(&strangers[0]) && !displaced(&known));
    drop((known, strangers, third));
    assert!(is_empty(&slots));
}

#[test]
fn who_is_known_makes_room_when_all_are_known_and_later_than_strangers() {
    let slots = Slots::new(Limits {
        total: 2,
        strangers: 1,
        ..LIMITS
    });
    let begun = Instant::now() + Duration::from_secs(600);
    let at = |address, seconds| slots.take(ip(address), begun + Duration::from_secs(seconds));
    let mut known = ["192.0.2.1", "192.0.2.2"].map(|address| {
        let mut slot = take(&slots, address).unwrap();
        slot.vouch(true);
        slot
    });
    for slot in &known {
        slot.state().offer_since(begun);
    }
    assert!(at("192.0.2.3", 29).is_none());
    let newcomer = at("192.0.2.3", 31).unwrap();
    assert_eq!(known.iter().filter(|slot| displaced(slot)).count(), 1);
    // Who was displaced is not counted again, whatever becomes known of him.
    for slot in &mut known {
        slot.vouch(false);
        slot.vouch(true);
    }
    drop((known, newcomer));
    assert!(is_empty(&slots));
}

#[tokio::test]
async fn so_many_are_leaving_and_no_more() {
    let slots = slots(8, 8);
    let begun = Instant::now() + Duration::from_secs(600);
    let mut open: Vec<_> = (0..8).map(|_| take(&slots, "192.0.2.1").unwrap()).collect();
    for slot in &open {
        slot.state().offer_since(begun);
    }
    slots.settled().await;
    let later = begun + Duration::from_secs(10);
    while slots.shared.lock().leaving < slots.shared.limits.leaving() {
        assert!(slots.make_room(later));
    }
    let waiting = tokio::spawn({
        let slots = slots.clone();
        async move { slots.settled().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    open.retain(|slot| !displaced(slot));
    waiting.await.unwrap();
    drop(open);
    assert!(is_empty(&slots));
}
