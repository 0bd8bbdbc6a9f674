//! Connection limits of a listener.

use std::time::Duration;

/// Displaced connections hold their descriptors until their last message is sent: one is allowed for this
/// number of slots, at least this number in a small listener.
const SLOTS_FOR_ONE_LEAVING: usize = 8;
const LEAVING_AT_LEAST: usize = 8;

/// Limits of one listener's connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Simultaneous connections. If all are taken, a new client displaces the connection with the longest
    /// waiting time among those that wait for their peers.
    pub total: usize,
    /// Of these, connections that nobody has vouched for ([`Connection::vouch`]): clients that have not
    /// logged in, including unfinished handshakes. If all are taken, a new client displaces only one of
    /// them.
    ///
    /// [`Connection::vouch`]: session_io::Connection::vouch
    pub strangers: usize,
    /// Of all, connections from one address (for IPv6: from one /64, which one customer has).
    pub per_address: usize,
    /// When a connection may be displaced.
    pub make_room_after: MakeRoom,
}

/// The minimum waiting time before a connection is displaced. The address with the most connections loses
/// one to an address with fewer after a quarter of that time, or sooner if it has more than four times as
/// many.
#[derive(Clone, Copy, Debug)]
pub struct MakeRoom {
    /// For a stranger's connection.
    pub strangers: Duration,
    /// For other connections; only if no stranger can be displaced.
    pub known: Duration,
}

impl Limits {
    /// The number of slots for clients before login on a listener that requires logins: `before_login`, but
    /// at least a quarter of `total` remains for logged-in clients.
    #[must_use]
    pub fn before_login(total: usize, before_login: usize) -> usize {
        before_login.min(total - total / 4)
    }

    /// These limits, lowered to fit the number of file descriptors.
    #[must_use]
    pub fn within(self, descriptors: usize) -> Self {
        let for_slots = descriptors - descriptors.div_ceil(SLOTS_FOR_ONE_LEAVING + 1);
        let most = for_slots.min(descriptors.saturating_sub(LEAVING_AT_LEAST));
        let total = self.total.min(most).max(1);
        let strangers = match self.total {
            0 => self.strangers,
            whole => (self.strangers as u128 * total as u128 / whole as u128) as usize,
        };
        Self {
            total,
            strangers: strangers.max(1),
            ..self
        }
    }

    /// The number of displaced connections that may still be open before the next client is accepted.
    pub(super) fn leaving(&self) -> usize {
        (self.total / SLOTS_FOR_ONE_LEAVING).max(LEAVING_AT_LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_and_those_that_leave_fit_into_the_descriptors() {
        let limits = |total, strangers| Limits {
            total,
            strangers,
            per_address: 1,
            make_room_after: MakeRoom {
                strangers: Duration::ZERO,
                known: Duration::ZERO,
            },
        };
        let enough = limits(10_000, 2_500).within(1_000_000);
        assert_eq!((enough.total, enough.strangers), (10_000, 2_500));
        for descriptors in [9, 20, 72, 300, 5_833, 11_249] {
            let lowered = limits(10_000, 2_500).within(descriptors);
            let most = lowered.total + lowered.leaving();
            assert!(most <= descriptors, "{most} of {descriptors}");
            assert!(most + 8 >= descriptors, "{most} of {descriptors}");
            assert_eq!(lowered.strangers, (lowered.total / 4).max(1));
        }
        // At least one client must be served.
        assert_eq!(limits(10, 10).within(0).total, 1);
    }
}
