//! Errors of connections.

use std::io;

/// The reason why a connection cannot continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The peer exceeded its time limit.
    #[error("the peer was silent for too long")]
    Timeout,
    /// The listener has displaced this connection.
    #[error("displaced: too many connections, and this one was idle for the longest time")]
    Displaced,
    /// The process is ending while the connection waits.
    #[error("the process is shutting down")]
    ShuttingDown,
    /// The connection has already ended.
    #[error("the connection is closed")]
    Closed,
    /// The peer's name cannot be resolved.
    #[error("`{0}` has no address")]
    NoAddress(String),
    /// The socket failed.
    #[error(transparent)]
    Io(io::Error),
    /// The TLS handshake failed, or the peer's certificate is invalid.
    #[error("TLS: {0}")]
    Tls(String),
}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}
