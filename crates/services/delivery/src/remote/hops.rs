//! The servers a destination has, in the order in which they are tried.

use std::net::SocketAddr;
use std::sync::Arc;

use rules::Gateway;
use smtp_protocol::client::{Login, TlsUse};

use crate::fate::Failure;

/// The standard port of SMTP.
pub(super) const SMTP: u16 = 25;
/// Addresses that are tried for one message.
const MAX_ADDRESSES: usize = 10;

/// A server with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hop {
    /// As TLS and people know it.
    pub(crate) name: String,
    pub(crate) addresses: Vec<SocketAddr>,
}

/// How a destination is reached.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) hops: Vec<Hop>,
    /// Why other servers have no address.
    pub(crate) unresolved: Vec<Failure>,
    pub(crate) tls: TlsUse,
    pub(crate) login: Option<Login>,
    /// Servers must prove who they are (RFC 8689).
    pub(crate) secured: bool,
    /// They are the hosts of this gateway.
    pub(crate) gateway: Option<Arc<Gateway>>,
}

/// The place of a server's address in its plan.
pub(crate) type Place = usize;

impl Plan {
    /// Servers' addresses in the order in which they are tried (RFC 5321 §5.1).
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (Place, &Hop, SocketAddr)> {
        let addresses = self
            .hops
            .iter()
            .flat_map(|hop| hop.addresses.iter().map(move |address| (hop, *address)));
        let places = addresses.take(MAX_ADDRESSES).enumerate();
        places.map(|(place, (hop, address))| (place, hop, address))
    }
}
