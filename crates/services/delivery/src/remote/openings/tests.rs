//! Many silent destinations, and one that answers.

use std::future::{pending, ready};

use super::*;

/// Starts openings that never end, one for each destination.
async fn hang(openings: &Arc<Openings<usize>>, destinations: std::ops::Range<usize>) {
    for destination in destinations {
        let openings = Arc::clone(openings);
        tokio::spawn(async move { openings.open(&destination, pending::<()>).await });
    }
    // With the clock stopped, this passes once all other tasks wait.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn waited(openings: &Openings<usize>, destination: usize) -> Duration {
    let began = Instant::now();
    openings.open(&destination, || ready(())).await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_silent_destinations_do_not_hold_back_one_that_is_known() {
    let openings = Arc::new(Openings::new(200));
    openings.note(&5_000, History::Good);
    hang(&openings, 0..1_000).await;
    assert_eq!(waited(&openings, 5_000).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_destination_waits_for_short_turns_only() {
    let openings = Arc::new(Openings::new(200));
    hang(&openings, 0..1_000).await;
    assert!(waited(&openings, 5_000).await <= 5 * QUICK);
    // By now all are known to be silent, and wait for each other.
    hang(&openings, 0..1_000).await;
    assert_eq!(waited(&openings, 5_001).await, Duration::ZERO);
    for destination in 0..1_000 {
        assert_eq!(openings.history(&destination), History::Silent);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_opening_goes_on_without_being_begun_again() {
    let openings = Openings::new(200);
    let begun = std::cell::Cell::new(0);
    let attempt = || {
        begun.set(begun.get() + 1);
        tokio::time::sleep(3 * QUICK)
    };
    openings.open(&1, attempt).await;
    assert_eq!(begun.get(), 1);
    assert_eq!(openings.history(&1), History::Silent);
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_forgotten() {
    let openings = Openings::new(1);
    openings.note(&1, History::Silent);
    tokio::time::advance(MEMORY).await;
    assert_eq!(openings.history(&1), History::New);
}

#[tokio::test(start_paused = true)]
async fn silence_is_forgotten_when_an_attempt_is_asked_for_behind_it() {
    let openings = Openings::new(1);
    let before = Instant::now();
    tokio::time::advance(Duration::from_secs(1)).await;
    openings.note(&1, History::Silent);
    openings.note(&2, History::Good);
    tokio::time::advance(Duration::from_secs(1)).await;
    openings.forget_silence(&1, before);
    assert_eq!(openings.history(&1), History::Silent);
    for target in [1, 2] {
        openings.forget_silence(&target, Instant::now());
    }
    assert_eq!(openings.history(&1), History::New);
    assert_eq!(openings.history(&2), History::Good);
}
