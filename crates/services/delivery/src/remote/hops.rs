//! The servers a destination has, in the order in which they are tried.

use std::net::SocketAddr;

use smtp_protocol::client::{Login, TlsUse};

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
    pub(crate) tls: TlsUse,
    pub(crate) login: Option<Login>,
}
