//! Destinations.

use std::sync::Arc;

use rules::{Gateway, Host};

/// Where mail for other servers goes: one queue, one set of connections each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// To the servers that the DNS names.
    Direct(Host),
    /// To a gateway.
    Gateway(Arc<Gateway>),
    /// The same by servers that prove who they are within TLS, for messages that may go no other
    /// way (RFC 8689). A destination of its own: its connections are shared with no other mail.
    Secured(Box<Self>),
}

impl Target {
    pub(super) fn secured(&self) -> Self {
        match self {
            Self::Secured(_) => self.clone(),
            target => Self::Secured(Box::new(target.clone())),
        }
    }
}

impl std::hash::Hash for Target {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Direct(host) => host.hash(state),
            Self::Gateway(gateway) => gateway.name.hash(state),
            Self::Secured(target) => ("secured", target).hash(state),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Direct(host) => host.fmt(f),
            Self::Gateway(gateway) => write!(f, "gateway {}", gateway.name),
            Self::Secured(target) => write!(f, "{target}, secured"),
        }
    }
}
