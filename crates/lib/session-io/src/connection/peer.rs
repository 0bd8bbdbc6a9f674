//! Who is at the other end when a proxy stands between.

use std::net::{IpAddr, SocketAddr};

use super::Connection;
use crate::slot::Slot;

/// The client that a proxy has named has as many connections as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many connections from the address that the proxy told")]
pub struct NoRoom;

impl Connection {
    /// The proxy that told the peer's address.
    pub fn proxy(&self) -> Option<IpAddr> {
        self.proxy
    }

    /// Sets the peer to the client that the connection's proxy has named, and the local address to the
    /// one that the client connected to. From here on the connection counts as one of the client's.
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

    /// Holds its slot among the listener's connections to its end.
    pub fn hold(&mut self, slot: Box<dyn Slot>) {
        self.bounds.slot = Some(slot);
    }
}
