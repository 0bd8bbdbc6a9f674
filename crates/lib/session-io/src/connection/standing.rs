//! What a connection's slot among the listener's depends on.

use std::time::Duration;

use super::Connection;

impl Connection {
    /// Somebody vouches for this peer from now on, as by a login, or no longer: as long as nobody
    /// does, it is a stranger, of whom there may be fewer, and who make room first.
    pub fn vouch(&mut self, known: bool) {
        if let Some(slot) = &mut self.bounds.slot {
            slot.vouch(known);
        }
    }

    /// The peer has been of use: all waiting for it until now is forgotten. While it is waited for, the
    /// listener may give its slot to another client when all are taken, and begins with those that
    /// have been waited for the longest since they were of use. Then what waits ends as
    /// [`SessionError::Displaced`](crate::SessionError::Displaced).
    pub fn of_use(&self) {
        self.credit(Duration::MAX);
    }

    /// What the peer has done makes up for so much waiting.
    pub fn credit(&self, time: Duration) {
        if let Some(slot) = &self.bounds.slot {
            slot.state().credit(time);
        }
    }
}
