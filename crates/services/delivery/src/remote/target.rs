//! Destinations.

use std::sync::Arc;

use rules::{Gateway, Host};

/// A destination outside this system, with one queue and one set of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The servers named by the DNS.
    Direct(Host),
    /// To a gateway.
    Gateway(Arc<Gateway>),
    /// The same over servers authenticated by TLS, for messages that require it (RFC 8689). A destination of
    /// its own, whose connections carry no other mail.
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
