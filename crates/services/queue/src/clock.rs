//! The time, by the database's clock, which all replicas share. The clocks of their machines may differ by
//! any amount.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use database::Look;

/// Milliseconds since 1970. Tests bring their own clock. Clones are the same clock.
#[derive(Clone)]
pub struct Clock {
    own: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// How far the database's clock is ahead of this machine's.
    ahead: Arc<AtomicI64>,
    follows: bool,
}

impl Clock {
    /// The database's clock: the machine's clock, corrected by its distance from the database's.
    pub fn of_database() -> Self {
        Self::new(|| jiff::Timestamp::now().as_millisecond()).following_database()
    }

    /// A clock that shows what `now` returns, independent of the database.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            own: Arc::new(now),
            ahead: Arc::default(),
            follows: false,
        }
    }

    /// Lets this clock follow the database's; `now` then stands for the machine's clock.
    #[must_use]
    pub fn following_database(self) -> Self {
        Self {
            follows: true,
            ..self
        }
    }

    /// Corrects the clock after a look at the database's.
    pub(crate) fn follow(&self, look: &Look) {
        if self.follows {
            self.correct(&look.clock_ahead_of((self.own)()));
        }
    }

    /// Sets the distance from a measured range. The present value stays if it lies within the range: on one
    /// machine nothing is ever added.
    fn correct(&self, ahead: &RangeInclusive<i64>) {
        if !ahead.is_empty() {
            let known = self.ahead.load(Ordering::Relaxed);
            let known = known.clamp(*ahead.start(), *ahead.end());
            self.ahead.store(known, Ordering::Relaxed);
        }
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        (self.own)().saturating_add(self.ahead.load(Ordering::Relaxed))
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_s_clock_is_followed_as_closely_as_it_is_known() {
        let clock = Clock::new(|| 1_000);
        for (ahead, now) in [
            (-2..=3, 1_000),
            (500..=510, 1_500),
            (300..=900, 1_500),
            (300..=400, 1_400),
            (-9_000..=-8_000, -7_000),
        ] {
            clock.correct(&ahead);
            assert_eq!(clock.now(), now, "{ahead:?}");
        }
    }
}
