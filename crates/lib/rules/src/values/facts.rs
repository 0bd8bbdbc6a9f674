//! What is known of a session.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::values::interface::SessionInterface;
use crate::values::network::is_internal;

/// To which kind of network a listener belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListenerClass {
    /// By the interface that each connection comes in on: one with loopback, private and
    /// link-local addresses is internal, others are external; the configuration may set it.
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

/// For whom a listener is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListenerRole {
    /// Other servers.
    #[default]
    Mx,
    /// People's programs, behind a login (RFC 6409).
    Submission,
}

impl ListenerRole {
    /// As the configuration names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mx => "mx",
            Self::Submission => "submission",
        }
    }

    /// Whether nothing is taken there of one who has not logged in (RFC 6409 §4.3).
    pub fn needs_login(self) -> bool {
        self == Self::Submission
    }
}

impl FromStr for ListenerRole {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "mx" => Ok(Self::Mx),
            "submission" => Ok(Self::Submission),
            _ => Err("a role is mx or submission"),
        }
    }
}

/// What the DNS says of the name of the peer's address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ReverseName {
    /// It was not asked: no policy wants to know.
    #[default]
    NotAsked,
    /// It has none, or none that leads back to the address.
    None,
    /// Names of the address (PTR) that lead back to it (A, AAAA), in lower case.
    Confirmed(Vec<String>),
    /// The DNS did not answer.
    Failed,
}

/// The facts of a session that decisions are made from. They grow as the session goes on: `helo`,
/// `tls` and `login` are set when they become known, and trust is then decided anew.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// Name of the listener, as configured.
    pub listener: Arc<str>,
    /// The listener's class, as configured.
    pub class: ListenerClass,
    /// For whom the listener is, as configured.
    pub role: ListenerRole,
    /// The peer's address; the one that was told where a proxy is in between.
    pub peer: IpAddr,
    /// The address the peer connected to.
    pub local: IpAddr,
    /// The interface that has the local address; `None` where only the address is known.
    pub interface: Option<SessionInterface>,
    /// The proxy that told the peer's address (PROXY protocol, XCLIENT). The peer is the proxy
    /// itself when it spoke for itself or did not say for whom.
    pub proxy: Option<IpAddr>,
    /// The peer's name in the DNS, once a policy asks for it.
    pub reverse_name: ReverseName,
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
            role: ListenerRole::Mx,
            peer,
            local,
            interface: None,
            proxy: None,
            reverse_name: ReverseName::NotAsked,
            gateways: Arc::new([]),
            helo: None,
            login: None,
            tls: false,
        }
    }

    /// Whether the peer's address is only that of a proxy: who is behind it is not known.
    pub fn peer_is_proxy(&self) -> bool {
        self.proxy
            .is_some_and(|proxy| proxy.to_canonical() == self.peer.to_canonical())
    }
}

/// When a client spoke before its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// Before the greeting.
    Greeting,
    /// Behind EHLO, before its answer (RFC 2920 §3.1: EHLO is the last of a group).
    Hello,
}
