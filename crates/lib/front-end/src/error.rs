//! Errors of listeners.

use std::io;
use std::net::SocketAddr;

/// The reason why the listeners of a process fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No listener is configured.
    #[error("[[{0}.listener]] is missing: there is nothing to listen on")]
    NoListener(&'static str),
    /// The address cannot be bound.
    #[error("cannot listen on {address}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The configuration is contradictory or incomplete.
    #[error("listener {listener}: {problem}")]
    Configuration {
        /// The listener's name.
        listener: String,
        /// The problem, and what to do.
        problem: String,
    },
    /// The certificates cannot be used, or root's rights cannot be dropped.
    #[error(transparent)]
    Service(#[from] service_kit::Error),
    /// An open listener ended unexpectedly.
    #[error("a listener failed")]
    Failed(#[from] tokio::task::JoinError),
}

impl Error {
    pub(crate) fn configuration(listener: &str, problem: impl Into<String>) -> Self {
        Self::Configuration {
            listener: listener.to_owned(),
            problem: problem.into(),
        }
    }
}
