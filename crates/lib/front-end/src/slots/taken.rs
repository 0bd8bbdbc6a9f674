//! Who has the slots: strangers and those who are known.

use std::net::IpAddr;
use std::sync::Arc;

use session_io::SlotState;
use tokio::time::Instant;

use super::crowd::Crowd;
use crate::Limits;

/// See the module. A connection that was displaced has no slot any more, but is open until it has
/// been told so.
#[derive(Default)]
pub(super) struct Taken {
    strangers: Crowd,
    known: Crowd,
    /// Displaced, and not closed yet.
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

    /// Whether there is room for one more stranger, of `network`, after somebody has made room if that
    /// is needed. Those who are known make room when strangers have not too many slots already.
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

    /// Makes somebody leave, whoever is of the least use.
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

    /// A new connection, of a stranger.
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
