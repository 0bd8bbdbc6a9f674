//! Who is at the other end when a proxy stands between.

use std::net::{IpAddr, SocketAddr};

use super::Connection;
use crate::listener::Place;

/// The address that was told has as many connections as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many connections from the address that the proxy told")]
pub struct NoRoom;

impl Connection {
    /// The proxy that told the peer's address.
    pub fn proxy(&self) -> Option<IpAddr> {
        self.proxy
    }

    /// The connection's proxy, which is its peer until now, tells for whom it speaks, and to which
    /// address that client came. From here on it counts as one of the client's.
    pub fn told(&mut self, peer: SocketAddr, local: Option<SocketAddr>) -> Result<(), NoRoom> {
        let proxy = self.peer.ip();
        if let Some(place) = &mut self.bounds.place
            && !place.move_to(peer.ip())
        {
            return Err(NoRoom);
        }
        self.proxy.get_or_insert(proxy);
        self.peer = peer;
        self.local = local.unwrap_or(self.local);
        Ok(())
    }

    /// Holds its place among the listener's connections to its end.
    pub(crate) fn hold(&mut self, place: Place) {
        self.bounds.place = Some(place);
    }
}
