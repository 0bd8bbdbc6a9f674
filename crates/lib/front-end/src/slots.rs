//! The counted slots of a listener. If all are taken, a new client may displace an idle connection:
//! otherwise a client with many silent connections would keep all others out.
//!
//! Every client starts as a stranger. Strangers have a limit of their own, below the total, and are
//! displaced first. A known client ([`Slot::vouch`]) is displaced after a longer time, and only if all
//! slots are taken.

mod crowd;
mod network;
mod taken;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use session_io::{Slot, SlotState};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Limits;
use network::network;
use taken::Taken;

/// The slots of a listener, counted in total and by address.
#[derive(Clone)]
pub(crate) struct Slots {
    shared: Arc<Shared>,
}

struct Shared {
    limits: Limits,
    taken: Mutex<Taken>,
    /// Signals that a displaced connection has closed.
    left: Notify,
}

/// A slot; dropping it frees it.
pub(crate) struct TakenSlot {
    /// None until a proxy has given the client's address.
    network: Option<IpAddr>,
    known: bool,
    shared: Arc<Shared>,
    number: u64,
    state: Arc<SlotState>,
}

impl Slots {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            shared: Arc::new(Shared {
                limits,
                taken: Mutex::default(),
                left: Notify::new(),
            }),
        }
    }

    /// A slot for a connection from `address`, if there is one.
    pub(crate) fn take(&self, address: IpAddr, now: Instant) -> Option<TakenSlot> {
        self.take_for(Some(network(address)), now)
    }

    /// A slot for a connection whose client address is not known yet.
    pub(crate) fn take_for_proxy(&self, now: Instant) -> Option<TakenSlot> {
        self.take_for(None, now)
    }

    fn take_for(&self, network: Option<IpAddr>, now: Instant) -> Option<TakenSlot> {
        let limits = &self.shared.limits;
        let mut taken = self.shared.lock();
        // An address at its limit must not displace others.
        if network.is_some_and(|network| taken.count(network) >= limits.per_address)
            || !taken.has_room(network, limits, now)
        {
            return None;
        }
        let (number, state) = taken.add(network);
        Some(TakenSlot {
            network,
            known: false,
            shared: Arc::clone(&self.shared),
            number,
            state,
        })
    }

    /// Displaces a connection although slots are free, for want of descriptors. False if none can be
    /// displaced.
    pub(crate) fn make_room(&self, now: Instant) -> bool {
        self.shared.lock().displace_any(&self.shared.limits, now)
    }

    /// Waits until fewer displaced connections are open: each holds a descriptor until its last message is
    /// sent.
    pub(crate) async fn settled(&self) {
        let most = self.shared.limits.leaving();
        while self.shared.lock().leaving >= most {
            self.one_left().await;
        }
    }

    /// Completes when a displaced connection has closed, or one had since the last call.
    pub(crate) async fn one_left(&self) {
        self.shared.left.notified().await;
    }
}

impl Slot for TakenSlot {
    fn state(&self) -> &Arc<SlotState> {
        &self.state
    }

    fn move_to(&mut self, address: IpAddr) -> bool {
        let network = network(address);
        if self.network == Some(network) {
            return true;
        }
        let mut taken = self.shared.lock();
        if taken.count(network) >= self.shared.limits.per_address {
            return false;
        }
        // A displaced connection no longer holds a slot.
        if !self.state.is_displaced() {
            let crowd = taken.crowd(self.known);
            crowd.remove(self.network, self.number);
            crowd.put(Some(network), self.number, Arc::clone(&self.state));
            self.network = Some(network);
        }
        true
    }

    fn vouch(&mut self, known: bool) {
        if self.known == known {
            return;
        }
        let mut taken = self.shared.lock();
        if !self.state.is_displaced() {
            taken.crowd(self.known).remove(self.network, self.number);
            let state = Arc::clone(&self.state);
            taken.crowd(known).put(self.network, self.number, state);
            self.known = known;
        }
    }
}

impl Drop for TakenSlot {
    fn drop(&mut self) {
        let mut taken = self.shared.lock();
        // A displaced connection's slot already belongs to another.
        if self.state.is_displaced() {
            taken.leaving = taken.leaving.saturating_sub(1);
            self.shared.left.notify_one();
        } else {
            taken.crowd(self.known).remove(self.network, self.number);
            metrics::gauge!("postern_connections").decrement(1.0);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
