//! What one listener takes on.

use std::time::Duration;

/// Connections that were displaced and are being told so hold their descriptors for a moment: one for
/// so many slots, or this many in a small listener.
const SLOTS_FOR_ONE_LEAVING: usize = 8;
const LEAVING_AT_LEAST: usize = 8;

/// Limits of one listener's connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time. When there are as many, a newcomer displaces the one that has been of
    /// no use for the longest, of those that wait for their peers.
    pub total: usize,
    /// Of these, connections for whose peers nobody has vouched ([`Connection::vouch`]): that have
    /// not logged in. Unfinished handshakes are among them. When there are as many, a newcomer
    /// displaces one of them, and nobody else.
    ///
    /// [`Connection::vouch`]: session_io::Connection::vouch
    pub strangers: usize,
    /// Of all, connections from one address (for IPv6: from one /64, which is what one customer has).
    pub per_address: usize,
    /// When a connection makes room.
    pub make_room_after: MakeRoom,
}

/// How long a connection must have been of no use before it is displaced. For one of the address with
/// the most connections, by an address with fewer: a quarter of that, and less where it has more than
/// four times as many.
#[derive(Clone, Copy, Debug)]
pub struct MakeRoom {
    /// A stranger's.
    pub strangers: Duration,
    /// Another's; only when no stranger makes room.
    pub known: Duration,
}

impl Limits {
    /// How many of `total` may be before the login where all clients are to log in: `before_login`, and
    /// never so many that less than a quarter is left for those who have.
    #[must_use]
    pub fn before_login(total: usize, before_login: usize) -> usize {
        before_login.min(total - total / 4)
    }

    /// These limits, or lower ones where they would take more than so many file descriptors.
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

    /// How many of those that were displaced may be on their way out before the next newcomer is
    /// taken.
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
        // Somebody must be served, whatever comes of it.
        assert_eq!(limits(10, 10).within(0).total, 1);
    }
}
