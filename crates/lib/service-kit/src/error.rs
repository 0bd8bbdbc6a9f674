//! Errors during the start of a process and while it serves.

use std::io;
use std::path::PathBuf;

/// An error in a process's environment. It is for the administrator, never for a mail peer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be read, or has an impossible value.
    #[error("configuration: {0}")]
    Config(String),
    /// The text is no valid endpoint.
    #[error("`{endpoint}` is not an endpoint: {reason}")]
    Endpoint {
        /// The text.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A Unix socket cannot be opened.
    #[error("socket {path}: {reason}", path = path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A certificate or key cannot be used or created.
    #[error("certificate: {0}")]
    Certificate(String),
    /// A listener cannot be opened.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Its address.
        address: String,
        /// The system's error.
        source: io::Error,
    },
    /// gRPC's transport failed.
    #[error("gRPC: {0}")]
    Grpc(#[from] tonic::transport::Error),
    /// Logs, traces or metrics could not be started.
    #[error("telemetry: {0}")]
    Telemetry(String),
    /// Another process reports that it is not ready, or does not answer.
    #[error("not healthy: {0}")]
    Unhealthy(String),
}

impl Error {
    /// An error of reading or writing `path`.
    pub(crate) fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File {
            path: path.into(),
            source,
        }
    }
}
