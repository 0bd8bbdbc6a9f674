//! A connection's slot among those of its listener. The connection's waits offer the slot, and the listener
//! may take an offered one.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Special states beside the times.
const KEPT: u64 = u64::MAX;
const DISPLACED: u64 = u64::MAX - 1;

/// Times are microseconds since this instant.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A slot as counted by its listener. Dropping it frees it.
pub trait Slot: Send + Sync {
    /// The state shared by the connection and the listener.
    fn state(&self) -> &Arc<SlotState>;

    /// Counts the connection for `address`. Returns false, and changes nothing, if that address has its
    /// maximum number of connections.
    fn move_to(&mut self, address: IpAddr) -> bool;

    /// Counts the connection among those of known peers, or among strangers.
    fn vouch(&mut self, known: bool);
}

/// Whether a slot may be taken. One atomic store for each wait, no lock.
#[derive(Debug)]
pub struct SlotState {
    /// The start of the current wait while the slot is offered, or a special state.
    state: AtomicU64,
    /// Microseconds waited for this peer since it was last useful.
    debt: AtomicU64,
    displaced: Notify,
}

/// A wait for the peer, during which the slot may be taken. Its end keeps the slot, and adds the time to
/// the debt.
pub(crate) struct Offer {
    slot: Arc<SlotState>,
    begun: Instant,
}

impl SlotState {
    /// For a connection that is working.
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

    /// Offers the slot until the returned value is dropped.
    pub(crate) fn offer(self: Arc<Self>) -> Offer {
        let begun = Instant::now();
        let debt = Duration::from_micros(self.debt.load(Ordering::Relaxed));
        self.offer_since(begun.checked_sub(debt).unwrap_or(begun));
        Offer { slot: self, begun }
    }

    /// Offered since that time, until it is offered again or kept.
    pub fn offer_since(&self, since: Instant) {
        self.change_to(micros(since));
    }

    fn keep(&self) {
        self.change_to(KEPT);
    }

    /// A displaced slot stays displaced.
    fn change_to(&self, new: u64) {
        let changed = |state| (state != DISPLACED).then_some(new);
        let _ = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, changed);
    }

    /// Adds waiting time.
    fn owe(&self, time: Duration) {
        self.debt.fetch_add(whole_micros(time), Ordering::Relaxed);
    }

    /// Subtracts waiting time for work done.
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

    /// Completes, once, when the slot has been taken.
    pub(crate) async fn displaced(&self) {
        self.displaced.notified().await;
    }

    /// Whether the slot has been taken.
    pub fn is_displaced(&self) -> bool {
        self.state.load(Ordering::Acquire) == DISPLACED
    }

    /// The start of the offer, in microseconds of an internal clock, if it is before `latest`.
    pub fn offered(&self, latest: Instant) -> Option<u64> {
        let state = self.state.load(Ordering::Acquire);
        (state <= micros(latest)).then_some(state)
    }

    /// Takes the slot, unless the offer has changed since [`SlotState::offered`].
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

/// Microseconds since the epoch; 0 for earlier times.
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
        // Between two waits the slot is not offered.
        assert!(slot.offered(Instant::now()).is_none());
    }
}
