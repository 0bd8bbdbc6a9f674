//! How a connection fails.

use std::io;

/// Why a connection cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The peer did nothing within the time it had.
    #[error("the peer was silent for too long")]
    Timeout,
    /// The listener has given this connection's slot to another client.
    #[error("too many connections, and this one was of no use for the longest")]
    Displaced,
    /// This process is ending, and the peer was not worth the wait.
    #[error("the process is ending")]
    ShuttingDown,
    /// The connection had ended before.
    #[error("the connection is closed")]
    Closed,
    /// The peer's name cannot be turned into an address.
    #[error("`{0}` has no address")]
    NoAddress(String),
    /// The socket failed.
    #[error(transparent)]
    Io(io::Error),
    /// TLS could not be agreed upon, or the peer's certificate is not good.
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
