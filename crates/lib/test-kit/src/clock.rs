//! A clock controlled by the test.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};

/// 2026-01-01T12:00:00Z: where a fake clock starts.
static START: LazyLock<Timestamp> =
    LazyLock::new(|| "2026-01-01T12:00:00Z".parse().expect("a valid timestamp"));

/// A fake clock. Clones share the time.
#[derive(Clone, Debug, Default)]
pub struct FakeClock {
    nanoseconds: Arc<AtomicI64>,
}

impl FakeClock {
    /// A clock that shows 2026-01-01T12:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        *START + SignedDuration::from_nanos(self.nanoseconds.load(Ordering::SeqCst))
    }

    /// Advances the clock.
    pub fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_nanos()).expect("fewer than 292 years");
        self.nanoseconds.fetch_add(by, Ordering::SeqCst);
    }
}
