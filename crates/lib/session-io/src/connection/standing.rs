//! The standing of a connection, which decides when it may be displaced.

use std::time::Duration;

use super::Connection;

impl Connection {
    /// Sets whether the peer is known, for example by a login. An unknown peer is a stranger: strangers
    /// have a lower limit, and are displaced first.
    pub fn vouch(&mut self, known: bool) {
        if let Some(slot) = &mut self.bounds.slot {
            slot.vouch(known);
        }
    }

    /// Resets the peer's waiting time after useful work. While this side waits for the peer, the listener
    /// may displace the connection if all slots are taken, and begins with the longest waiting time. The
    /// wait then ends with [`SessionError::Displaced`](crate::SessionError::Displaced).
    pub fn of_use(&self) {
        self.credit(Duration::MAX);
    }

    /// Subtracts time from the peer's waiting time.
    pub fn credit(&self, time: Duration) {
        if let Some(slot) = &self.bounds.slot {
            slot.state().credit(time);
        }
    }
}
