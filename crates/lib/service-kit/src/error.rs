//! What can go wrong while a process is set up or serves.

use std::io;
use std::path::PathBuf;

/// A failure of a process's surroundings. It is meant for the administrator, never for a mail peer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be read, or says something impossible.
    #[error("configuration: {0}")]
    Config(String),
    /// An endpoint's text is not one.
    #[error("`{endpoint}` is not an endpoint: {reason}")]
    Endpoint {
        /// As it was given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A Unix socket cannot be opened where it was asked for.
    #[error("socket {path}: {reason}", path = path.display())]
    Socket {
        /// Where it was to be.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A certificate or key cannot be used, or not be made.
    #[error("certificate: {0}")]
    Certificate(String),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// gRPC's transport failed.
    #[error("gRPC: {0}")]
    Grpc(#[from] tonic::transport::Error),
    /// Logs, traces or metrics could not be started.
    #[error("telemetry: {0}")]
    Telemetry(String),
    /// Another process was asked for its health and is not well, or does not answer.
    #[error("not healthy: {0}")]
    Unhealthy(String),
}

impl Error {
    /// Reading or writing `path` failed.
    pub(crate) fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File {
            path: path.into(),
            source,
        }
    }
}
