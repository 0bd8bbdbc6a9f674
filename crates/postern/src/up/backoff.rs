//! The pause before a service that ended is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);
/// After this time a service has recovered: the pauses start again.
const RECOVERED: Duration = Duration::from_secs(3);

/// Doubles from 100 ms to 10 s while a service keeps ending.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The pause after a run of this length.
    pub(super) fn after(&mut self, life: Duration) -> Duration {
        if life >= RECOVERED {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    #[test]
    fn waits_double_up_to_ten_seconds_and_begin_anew_after_a_long_life() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> = (0..9)
            .map(|_| backoff.after(Duration::ZERO).as_millis())
            .collect();
        assert_eq!(
            waits,
            [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        assert_eq!(backoff.after(Duration::from_secs(4)).as_millis(), 100);
    }
}
