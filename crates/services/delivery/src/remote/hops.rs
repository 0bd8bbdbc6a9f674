//! The servers of a destination, in the order of the attempts.

use std::net::SocketAddr;
use std::sync::Arc;

use rules::Gateway;
use smtp_protocol::client::{Login, TlsUse};

use crate::fate::Failure;

/// The standard port of SMTP.
pub(super) const SMTP: u16 = 25;
/// Maximum number of addresses tried for one message.
const MAX_ADDRESSES: usize = 10;

/// A server with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hop {
    /// Name for TLS and for people.
    pub(crate) name: String,
    pub(crate) addresses: Vec<SocketAddr>,
}

/// How to reach a destination.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) hops: Vec<Hop>,
    /// Failures of servers without an address.
    pub(crate) unresolved: Vec<Failure>,
    pub(crate) tls: TlsUse,
    pub(crate) login: Option<Login>,
    /// Servers must authenticate themselves (RFC 8689).
    pub(crate) secured: bool,
    /// The gateway to which the hosts belong.
    pub(crate) gateway: Option<Arc<Gateway>>,
}

/// The index of a server's address in its plan.
pub(crate) type AddressIndex = usize;

impl Plan {
    /// Addresses of servers in the order of the attempts (RFC 5321 §5.1).
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (AddressIndex, &Hop, SocketAddr)> {
        let addresses = self
            .hops
            .iter()
            .flat_map(|hop| hop.addresses.iter().map(move |address| (hop, *address)));
        let places = addresses.take(MAX_ADDRESSES).enumerate();
        places.map(|(place, (hop, address))| (place, hop, address))
    }
}
