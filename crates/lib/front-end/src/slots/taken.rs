//! The owners of the slots: strangers and known clients.

use std::net::IpAddr;
use std::sync::Arc;

use session_io::SlotState;
use tokio::time::Instant;

use super::crowd::Crowd;
use crate::Limits;

/// The taken slots. A displaced connection has no slot, but is open until its last message is sent.
#[derive(Default)]
pub(super) struct Taken {
    strangers: Crowd,
    known: Crowd,
    /// Displaced connections that are still open.
    pub(super) leaving: usize,
    next: u64,
}

impl Taken {
    pub(super) fn total(&self) -> usize {
        self.strangers.len() + self.known.len()
    }

    /// Connections of a network.
    pub(super) fn count(&self, network: IpAddr) -> usize {
        self.strangers.count(network) + self.known.count(network)
    }

    /// Whether one more stranger of `network` fits, possibly after displacing a connection. Known clients
    /// are displaced only if the strangers are within their limit.
    pub(super) fn has_room(
        &mut self,
        network: Option<IpAddr>,
        limits: &Limits,
        now: Instant,
    ) -> bool {
        let stranger_fits = self.strangers.len() < limits.strangers;
        if stranger_fits && self.total() < limits.total {
            return true;
        }
        self.displace(network, limits, now, stranger_fits)
    }

    /// Displaces the least useful connection.
    pub(super) fn displace_any(&mut self, limits: &Limits, now: Instant) -> bool {
        self.displace(None, limits, now, true)
    }

    fn displace(
        &mut self,
        network: Option<IpAddr>,
        limits: &Limits,
        now: Instant,
        known_too: bool,
    ) -> bool {
        let times = limits.make_room_after;
        let would_have = |crowd: &Crowd| network.map_or(0, |network| crowd.count(network)) + 1;
        let (among_strangers, among_known) = (would_have(&self.strangers), would_have(&self.known));
        let displaced = self
            .strangers
            .displace(among_strangers, now, times.strangers)
            || (known_too && self.known.displace(among_known, now, times.known));
        if displaced {
            self.leaving += 1;
            metrics::gauge!("postern_connections").decrement(1.0);
            metrics::counter!("postern_connections_displaced_total").increment(1);
        }
        displaced
    }

    /// Adds a connection of a stranger.
    pub(super) fn add(&mut self, network: Option<IpAddr>) -> (u64, Arc<SlotState>) {
        let number = self.next;
        self.next += 1;
        let state = Arc::new(SlotState::new());
        self.strangers.put(network, number, Arc::clone(&state));
        metrics::gauge!("postern_connections").increment(1.0);
        (number, state)
    }

    pub(super) fn crowd(&mut self, known: bool) -> &mut Crowd {
        if known {
            &mut self.known
        } else {
            &mut self.strangers
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.strangers.is_empty() && self.known.is_empty() && self.leaving == 0
    }
}
