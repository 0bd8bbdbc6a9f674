//! A connection's slot among those that its listener serves at a time, and whether the connection gives
//! it up: its waits say so, the listener asks.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// States beside the times.
const KEPT: u64 = u64::MAX;
const DISPLACED: u64 = u64::MAX - 1;

/// Times are microseconds since this one.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A slot, as its listener counts it. Dropped, it is free.
pub trait Slot: Send + Sync {
    /// What the connection and the listener share.
    fn state(&self) -> &Arc<SlotState>;

    /// Counts the connection for `address` from now on. Returns false, and changes nothing, if that
    /// address has as many connections as it may have.
    fn move_to(&mut self, address: IpAddr) -> bool;

    /// Counts the connection among those of known peers from now on, or among strangers again.
    fn vouch(&mut self, known: bool);
}

/// Whether a slot may be given to another connection. One store for each wait, no lock.
#[derive(Debug)]
pub struct SlotState {
    /// Since when it has been of no use while it is offered, or one of the states.
    state: AtomicU64,
    /// Microseconds for which this peer has been waited for since it was last of use.
    debt: AtomicU64,
    displaced: Notify,
}

/// A wait for the peer, during which somebody else may get the slot. Its end keeps the slot, and
/// adds the time to the debt.
pub(crate) struct Offer {
    slot: Arc<SlotState>,
    begun: Instant,
}

impl SlotState {
    /// Of a connection that is at work.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "each is a connection's")]
    pub fn new() -> Self {
        LazyLock::force(&EPOCH);
        Self {
            state: AtomicU64::new(KEPT),
            debt: AtomicU64::new(0),
            displaced: Notify::new(),
        }
    }

    /// From now on, until the offer is dropped, somebody else may have the slot.
    pub(crate) fn offer(self: Arc<Self>) -> Offer {
        let begun = Instant::now();
        let debt = Duration::from_micros(self.debt.load(Ordering::Relaxed));
        self.offer_since(begun.checked_sub(debt).unwrap_or(begun));
        Offer { slot: self, begun }
    }

    /// Offered since that time, until it is offered anew or kept.
    pub fn offer_since(&self, since: Instant) {
        self.change_to(micros(since));
    }

    fn keep(&self) {
        self.change_to(KEPT);
    }

    /// What was displaced stays so.
    fn change_to(&self, new: u64) {
        let changed = |state| (state != DISPLACED).then_some(new);
        let _ = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, changed);
    }

    /// The peer was waited for.
    fn owe(&self, time: Duration) {
        self.debt.fetch_add(whole_micros(time), Ordering::Relaxed);
    }

    /// The peer has done something that makes up for so much waiting.
    pub(crate) fn credit(&self, time: Duration) {
        let time = whole_micros(time);
        let less = |debt: u64| Some(debt.saturating_sub(time));
        let _ = self
            .debt
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    #[cfg(test)]
    fn debt(&self) -> Duration {
        Duration::from_micros(self.debt.load(Ordering::Relaxed))
    }

    /// Completes, once, when it has become somebody else's.
    pub(crate) async fn displaced(&self) {
        self.displaced.notified().await;
    }

    /// Whether another connection has it.
    pub fn is_displaced(&self) -> bool {
        self.state.load(Ordering::Acquire) == DISPLACED
    }

    /// Since when it is offered, in microseconds of a clock of its own, where that is before `latest`.
    pub fn offered(&self, latest: Instant) -> Option<u64> {
        let state = self.state.load(Ordering::Acquire);
        (state <= micros(latest)).then_some(state)
    }

    /// Takes it away, unless that has changed since [`SlotState::offered`] told it.
    pub fn displace(&self, offered: u64) -> bool {
        let taken =
            self.state
                .compare_exchange(offered, DISPLACED, Ordering::AcqRel, Ordering::Acquire);
        if taken.is_ok() {
            self.displaced.notify_one();
        }
        taken.is_ok()
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.slot.keep();
        self.slot.owe(self.begun.elapsed());
    }
}

/// Microseconds since the epoch; what was before it counts as that.
fn micros(time: Instant) -> u64 {
    whole_micros(time.saturating_duration_since(*EPOCH)).min(DISPLACED - 1)
}

fn whole_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_makes_a_connection_useless_and_what_it_brings_makes_it_useful() {
        let slot = Arc::new(SlotState::new());
        slot.owe(Duration::from_secs(20));
        drop(Arc::clone(&slot).offer());
        assert_eq!(slot.debt().as_secs(), 20);
        slot.credit(Duration::from_secs(9));
        assert_eq!(slot.debt().as_secs(), 11);
        let waits = Arc::clone(&slot).offer();
        assert!(slot.offered(Instant::now()).is_some());
        drop(waits);
        slot.credit(Duration::MAX);
        assert_eq!(slot.debt(), Duration::ZERO);
        // Between two waits it is not to be had.
        assert!(slot.offered(Instant::now()).is_none());
    }
}
