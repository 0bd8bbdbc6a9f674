//! Timeouts of a client. A limit on silence alone would let one octet every few minutes keep a connection for
//! ever. Therefore commands, messages and sessions each have a budget of waiting, which octets alone do not
//! renew. Only time spent waiting for the client counts.
//!
//! Pure: takes the length of each wait, and returns the limit of the next one.

use std::time::Duration;

use tokio::time::Instant;

/// The limits of a client's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeLimits {
    /// For one command, to its last octet (RFC 5321 §4.5.3.2.7).
    pub(crate) command: Duration,
    /// Silence within a message (RFC 5321 §4.5.3.2.5).
    pub(crate) silence: Duration,
    /// Minimum average rate of a message; 0 for none.
    pub(crate) min_rate: u32,
    /// How far a message may fall behind that rate.
    pub(crate) grace: Duration,
    /// For a session, restarted by each accepted message.
    pub(crate) session: Duration,
}

/// The time left within these limits.
#[derive(Debug)]
pub(super) struct ReadDeadlines {
    time_limits: TimeLimits,
    /// For the unfinished command.
    command: Duration,
    lines_read: u64,
    /// For the message: waiting reduces it, octets restore it up to the grace.
    content: Duration,
    /// When the session ends unless a message is accepted.
    session_ends: Instant,
}

impl ReadDeadlines {
    pub(super) fn new(time_limits: TimeLimits, now: Instant) -> Self {
        Self {
            time_limits,
            command: time_limits.command,
            lines_read: 0,
            content: time_limits.grace,
            session_ends: now + time_limits.session,
        }
    }

    /// The timeout of a command, after this many lines have been read.
    pub(super) fn for_command(&mut self, lines_read: u64, now: Instant) -> Duration {
        if lines_read != self.lines_read {
            self.lines_read = lines_read;
            self.command = self.time_limits.command;
        }
        let session = self.session_ends.saturating_duration_since(now);
        self.command.min(session)
    }

    /// The timeout of the next octets of a message.
    pub(super) fn for_content(&self) -> Duration {
        if self.time_limits.min_rate == 0 {
            return self.time_limits.silence;
        }
        self.time_limits.silence.min(self.content)
    }

    /// Records a wait that brought this many octets. Octets of a message restore the returned time.
    pub(super) fn waited(&mut self, time: Duration, receiving: bool, octets: usize) -> Duration {
        if !receiving {
            self.command = self.command.saturating_sub(time);
            return Duration::ZERO;
        }
        let rate = f64::from(self.time_limits.min_rate.max(1));
        let worth = Duration::from_secs_f64(octets as f64 / rate);
        let left = self.content.saturating_sub(time);
        self.content = left.saturating_add(worth).min(self.time_limits.grace);
        worth
    }

    /// A message begins.
    pub(super) fn content_begins(&mut self) {
        self.content = self.time_limits.grace;
    }

    /// A message was accepted; the session's time starts again.
    pub(super) fn message_taken(&mut self, now: Instant) {
        self.session_ends = now + self.time_limits.session;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TimeLimits = TimeLimits {
        command: seconds(300),
        silence: seconds(180),
        min_rate: 100,
        grace: seconds(300),
        session: seconds(1800),
    };

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// How long a client may go on that sends `octets` every `pause` seconds.
    fn trickle(pause: u64, octets: usize) -> Option<u64> {
        let mut deadlines = ReadDeadlines::new(LIMITS, Instant::now());
        deadlines.content_begins();
        for n in 0..10_000 {
            if deadlines.for_content() < seconds(pause) {
                return Some(n * pause);
            }
            deadlines.waited(seconds(pause), true, octets);
        }
        None
    }

    #[test]
    fn a_command_has_its_time_however_many_octets_of_it_come() {
        let begun = Instant::now();
        let mut deadlines = ReadDeadlines::new(LIMITS, begun);
        assert_eq!(deadlines.for_command(0, begun), seconds(300));
        deadlines.waited(seconds(299), false, 1);
        assert_eq!(deadlines.for_command(0, begun), seconds(1));
        // The line is complete: the next one has its own timeout.
        assert_eq!(deadlines.for_command(1, begun), seconds(300));
    }

    #[test]
    fn a_message_may_pause_and_be_slow_but_not_for_ever() {
        // One octet now and then; a slow but honest line; silence up to its limit.
        assert_eq!(trickle(60, 1), Some(300));
        assert_eq!(trickle(179, 1), Some(179));
        assert_eq!(trickle(1, 90), Some(2991));
        assert_eq!(trickle(1, 100), None);
        assert_eq!(trickle(170, 100 * 170), None);
        assert_eq!(trickle(181, 1_000_000), Some(0));
    }

    #[test]
    fn a_burst_buys_no_more_than_the_grace() {
        let mut deadlines = ReadDeadlines::new(LIMITS, Instant::now());
        deadlines.waited(seconds(0), true, 100 << 20);
        deadlines.waited(seconds(150), true, 0);
        assert_eq!(deadlines.for_content(), seconds(150));
    }

    #[test]
    fn the_octets_of_a_message_make_up_for_waiting_and_those_of_commands_do_not() {
        let mut deadlines = ReadDeadlines::new(LIMITS, Instant::now());
        assert_eq!(deadlines.waited(seconds(20), false, 1000), Duration::ZERO);
        assert_eq!(deadlines.waited(seconds(1), true, 1000), seconds(10));
    }

    #[test]
    fn a_session_without_a_message_ends_and_one_with_goes_on() {
        let begun = Instant::now();
        let mut deadlines = ReadDeadlines::new(LIMITS, begun);
        let late = begun + seconds(1700);
        assert_eq!(deadlines.for_command(9, late), seconds(100));
        deadlines.message_taken(late);
        assert_eq!(deadlines.for_command(9, late), seconds(300));
        let too_late = late + seconds(1801);
        assert_eq!(deadlines.for_command(10, too_late), seconds(0));
    }
}
