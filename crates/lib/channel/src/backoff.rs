//! Pauses between retries.

use std::time::Duration;

use rand::Rng as _;

/// Pauses that double from the shortest to the longest. Each is shortened randomly by up to a half, so that
/// processes that have lost the same peer do not all reconnect at the same moment.
#[derive(Clone, Debug)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Pauses from `shortest` to `longest`.
    #[must_use]
    pub const fn new(shortest: Duration, longest: Duration) -> Self {
        Self {
            shortest,
            longest,
            next: shortest,
        }
    }

    /// The longest pause.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// Resets after a success: the next pause is short.
    pub fn reset(&mut self) {
        self.next = self.shortest;
    }

    /// The pause after a failure.
    pub fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let milliseconds = Duration::from_millis;
        let mut backoff = Backoff::new(milliseconds(20), milliseconds(100));
        for _ in 0..2 {
            for whole in [20, 40, 80, 100, 100].map(milliseconds) {
                let pause = backoff.pause();
                assert!(pause >= whole / 2 && pause <= whole, "{pause:?}");
            }
            backoff.reset();
        }
    }
}
