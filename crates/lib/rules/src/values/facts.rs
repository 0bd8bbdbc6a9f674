//! Facts about a session.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::values::interface::SessionInterface;
use crate::values::network::is_internal;

/// The network class of a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListenerClass {
    /// By the interface of each connection: with only loopback, private and link-local addresses it is
    /// internal, otherwise external; the configuration may override it.
    #[default]
    Auto,
    /// The office's own network.
    Internal,
    /// The Internet.
    External,
    /// Between the two: no client is trusted for its network.
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

/// The purpose of a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListenerRole {
    /// Other servers.
    #[default]
    Mx,
    /// Mail programs, with a login (RFC 6409).
    Submission,
}

impl ListenerRole {
    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mx => "mx",
            Self::Submission => "submission",
        }
    }

    /// Whether a login is required (RFC 6409 §4.3).
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

/// The reverse DNS name of the peer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ReverseName {
    /// Not looked up: no policy needs it.
    #[default]
    NotAsked,
    /// The address has no name, or none that resolves to the address.
    None,
    /// Names of the address (PTR) that resolve to it (A, AAAA), in lower case.
    Confirmed(Vec<String>),
    /// The DNS did not answer.
    Failed,
}

/// The facts about a session that decisions use. `helo`, `tls` and `login` are set when they become known,
/// and trust is then decided again.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// Name of the listener, as configured.
    pub listener: Arc<str>,
    /// The listener's class, as configured.
    pub class: ListenerClass,
    /// The listener's role, as configured.
    pub role: ListenerRole,
    /// The client's address; behind a proxy, the address that the proxy gave.
    pub peer: IpAddr,
    /// The local address of the connection.
    pub local: IpAddr,
    /// The interface with the local address; `None` if only the address is known.
    pub interface: Option<SessionInterface>,
    /// The proxy that gave the peer's address (PROXY protocol, XCLIENT). Equal to the peer if the proxy
    /// spoke for itself or gave no client.
    pub proxy: Option<IpAddr>,
    /// The peer's reverse DNS name, once a policy needs it.
    pub reverse_name: ReverseName,
    /// The default gateways of this host.
    pub gateways: Arc<[IpAddr]>,
    /// The name in EHLO or HELO.
    pub helo: Option<String>,
    /// The login proved with AUTH.
    pub login: Option<String>,
    /// Whether the session is under TLS.
    pub tls: bool,
}

/// The assumed local address of a connection: in the peer's own network for an internal peer, otherwise a
/// public one.
pub fn supposed_local(peer: IpAddr) -> IpAddr {
    if is_internal(peer) {
        peer
    } else {
        // RFC 5737: an address for documentation.
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

    /// Whether the peer's address is only that of a proxy: the client is unknown.
    pub fn peer_is_proxy(&self) -> bool {
        self.proxy
            .is_some_and(|proxy| proxy.to_canonical() == self.peer.to_canonical())
    }
}

/// The point at which a client spoke too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// Before the greeting.
    Greeting,
    /// After EHLO, before its answer (RFC 2920 §3.1: EHLO must be the last command of a group).
    Hello,
}
