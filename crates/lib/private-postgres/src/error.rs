//! Errors of a private Postgres.

use std::path::PathBuf;

/// The reason why a private Postgres could not be set up, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `initdb` and `postgres` are not installed.
    #[error(
        "no Postgres server is installed (looked at POSTERN_POSTGRES_BIN, PATH and /usr/lib/postgresql/*/bin); \
         on Debian or Ubuntu: apt-get install postgresql"
    )]
    NotInstalled,
    /// Started as root, and there is no other user for Postgres.
    #[error(
        "Postgres refuses to run as root, and this machine has neither a user `postgres` nor `nobody`"
    )]
    NoUnprivilegedUser,
    /// The path of a Unix socket is limited to 107 bytes by the kernel's `sun_path`.
    #[error("the path {0} is too long for a Unix socket (107 bytes); choose a shorter folder")]
    SocketPathTooLong(PathBuf),
    /// A program of Postgres could not be run, or failed.
    #[error("{program} failed: {output}")]
    Program {
        /// The program.
        program: &'static str,
        /// Its output.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("Postgres ended while starting; its log ends with:\n{log}")]
    EndedEarly {
        /// The last lines of its log.
        log: String,
    },
    /// The server did not become ready, or did not stop, in time.
    #[error("Postgres did not {what} within {seconds} s")]
    TooSlow {
        /// `start` or `stop`.
        what: &'static str,
        /// The time limit in seconds.
        seconds: u64,
    },
    /// A file or process operation failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
