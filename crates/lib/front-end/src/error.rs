//! How listeners fail.

use std::io;
use std::net::SocketAddr;

/// Why the listeners of a process are not opened, or do not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none.
    #[error("[[{0}.listener]] is missing: there is nothing to listen on")]
    NoListener(&'static str),
    /// The system does not give the address.
    #[error("cannot listen on {address}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The configuration contradicts itself, or lacks something.
    #[error("listener {listener}: {problem}")]
    Configuration {
        /// The listener's name.
        listener: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The certificates cannot be used, or root's rights not be given up.
    #[error(transparent)]
    Service(#[from] service_kit::Error),
    /// A listener that was open has ended before its time.
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
