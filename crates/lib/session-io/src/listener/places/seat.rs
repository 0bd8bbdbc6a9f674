//! Whether a connection gives up its place: told by its session, asked by the listener.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

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
    displaced: Notify,
}

impl Seat {
    pub(super) fn new() -> Self {
        LazyLock::force(&EPOCH);
        Self {
            state: AtomicU64::new(KEPT),
            displaced: Notify::new(),
        }
    }

    /// Somebody else may have it, who finds it to be of no use since then.
    pub(crate) fn offer(&self, since: Instant) {
        let since = micros(since);
        let offered = |state| (state != DISPLACED).then_some(since);
        let _ = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, offered);
    }

    /// It is wanted again; false when it is somebody else's by now.
    pub(crate) fn keep(&self) -> bool {
        let kept = |state| (state != DISPLACED).then_some(KEPT);
        self.state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, kept)
            .is_ok()
    }

    /// Completes, once, when it has become somebody else's.
    pub(crate) async fn displaced(&self) {
        self.displaced.notified().await;
    }

    pub(super) fn is_displaced(&self) -> bool {
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

/// Microseconds since the epoch; what was before it counts as that.
fn micros(time: Instant) -> u64 {
    let since = time.saturating_duration_since(*EPOCH).as_micros();
    u64::try_from(since).unwrap_or(DISPLACED - 1)
}
