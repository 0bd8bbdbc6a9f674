//! The peer of a connection behind a proxy.

use std::net::{IpAddr, SocketAddr};

use super::Connection;
use crate::slot::Slot;

/// The client named by the proxy already has its maximum number of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many connections from the client's address given by the proxy")]
pub struct NoRoom;

impl Connection {
    /// The proxy that gave the peer's address.
    pub fn proxy(&self) -> Option<IpAddr> {
        self.proxy
    }

    /// Sets the peer to the client named by the proxy, and the local address to the client's destination.
    /// The connection now counts as one of the client's.
    pub fn set_peer(&mut self, peer: SocketAddr, local: Option<SocketAddr>) -> Result<(), NoRoom> {
        let proxy = self.peer.ip();
        if let Some(slot) = &mut self.bounds.slot
            && !slot.move_to(peer.ip())
        {
            return Err(NoRoom);
        }
        self.proxy.get_or_insert(proxy);
        self.peer = peer;
        self.local = local.unwrap_or(self.local);
        Ok(())
    }

    /// Keeps its slot among the listener's connections until its end.
    pub fn hold(&mut self, slot: Box<dyn Slot>) {
        self.bounds.slot = Some(slot);
    }
}
