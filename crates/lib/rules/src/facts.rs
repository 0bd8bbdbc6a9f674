//! What is known of a session.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::network::is_internal;

/// To which kind of network a listener belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListenerClass {
    /// By the local address of each connection: loopback, private and link-local ones are
    /// internal, others external.
    #[default]
    Auto,
    /// The office's own network.
    Internal,
    /// The Internet.
    External,
    /// Between the two: nobody there is trusted for where they are.
    Dmz,
}

impl FromStr for ListenerClass {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "internal" => Ok(Self::Internal),
            "external" => Ok(Self::External),
            "dmz" => Ok(Self::Dmz),
            _ => Err("a class is auto, internal, external or dmz"),
        }
    }
}

/// The facts of a session that decisions are made from. They grow as the session goes on: `helo`,
/// `tls` and `login` are set when they become known, and trust is then decided anew.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// Name of the listener, as configured.
    pub listener: Arc<str>,
    /// The listener's class, as configured.
    pub class: ListenerClass,
    /// The peer's address; from the PROXY protocol behind a load balancer.
    pub peer: IpAddr,
    /// The address the peer connected to.
    pub local: IpAddr,
    /// The default gateways of this host.
    pub gateways: Arc<[IpAddr]>,
    /// The name the peer gave in EHLO or HELO.
    pub helo: Option<String>,
    /// The login that the peer proved with AUTH.
    pub login: Option<String>,
    /// Whether the session is under TLS.
    pub tls: bool,
}

/// The address that a peer will have connected to, where nobody says: one of its own network for
/// an internal peer, a public one for all others.
pub fn supposed_local(peer: IpAddr) -> IpAddr {
    if is_internal(peer) {
        peer
    } else {
        // RFC 5737: of no network at all.
        IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1))
    }
}

impl SessionFacts {
    /// A session that has just been opened.
    pub fn new(listener: impl Into<Arc<str>>, peer: IpAddr, local: IpAddr) -> Self {
        Self {
            listener: listener.into(),
            class: ListenerClass::Auto,
            peer,
            local,
            gateways: Arc::new([]),
            helo: None,
            login: None,
            tls: false,
        }
    }
}
