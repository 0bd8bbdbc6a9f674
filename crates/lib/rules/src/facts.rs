//! What is known of a session.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

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
