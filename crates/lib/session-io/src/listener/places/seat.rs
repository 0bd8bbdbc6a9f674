//! Whether a connection gives up its place: told by its waits, asked by the listener.

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

/// See the module. One store for each wait, no lock.
pub(crate) struct Seat {
    /// Since when it has been of no use while it is offered, or one of the states.
    state: AtomicU64,
    /// Microseconds for which this peer has been waited for since it was last of use.
    debt: AtomicU64,
    displaced: Notify,
}

/// A wait for the peer, during which somebody else may get the place. Its end keeps the place, and
/// adds the time to the debt.
pub(crate) struct Offer {
    seat: Arc<Seat>,
    begun: Instant,
}

impl Seat {
    pub(super) fn new() -> Self {
        LazyLock::force(&EPOCH);
        Self {
            state: AtomicU64::new(KEPT),
            debt: AtomicU64::new(0),
            displaced: Notify::new(),
        }
    }

    /// From now on, until the offer is dropped, somebody else may have the place.
    pub(crate) fn offer(self: Arc<Self>) -> Offer {
        let begun = Instant::now();
        let debt = Duration::from_micros(self.debt.load(Ordering::Relaxed));
        self.offer_since(begun.checked_sub(debt).unwrap_or(begun));
        Offer { seat: self, begun }
    }

    pub(super) fn offer_since(&self, since: Instant) {
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
    pub(super) fn owe(&self, time: Duration) {
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
    pub(super) fn debt(&self) -> Duration {
        Duration::from_micros(self.debt.load(Ordering::Relaxed))
    }

    /// Completes, once, when it has become somebody else's.
    pub(crate) async fn displaced(&self) {
        self.displaced.notified().await;
    }

    pub(crate) fn is_displaced(&self) -> bool {
        self.state.load(Ordering::Acquire) == DISPLACED
    }

    /// Since when it is offered, where that is before `latest`.
    pub(super) fn offered(&self, latest: Instant) -> Option<u64> {
        let state = self.state.load(Ordering::Acquire);
        (state <= micros(latest)).then_some(state)
    }

    /// Takes it away, unless that has changed since it was looked at.
    pub(super) fn displace(&self, offered: u64) -> bool {
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
        self.seat.keep();
        self.seat.owe(self.begun.elapsed());
    }
}

/// Microseconds since the epoch; what was before it counts as that.
fn micros(time: Instant) -> u64 {
    whole_micros(time.saturating_duration_since(*EPOCH)).min(DISPLACED - 1)
}

fn whole_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 4)
}
