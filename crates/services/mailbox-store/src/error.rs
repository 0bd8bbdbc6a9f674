//! The errors of this service and their gRPC codes.

use api::grpc::{Code, Status};

/// Why a request was refused. Administrators read these texts; a front end never shows them to a mail peer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user, mailbox or message does not exist.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The name or address is taken.
    #[error("{0} exists already")]
    AlreadyExists(String),
    /// The request is invalid.
    #[error("{0}")]
    Invalid(String),
    /// The request is valid but impossible in the present state.
    #[error("{0}")]
    Precondition(String),
    /// A limit is reached.
    #[error("{0}")]
    Exhausted(String),
    /// The volume has too little free space for more messages.
    #[error("too little free space")]
    NoRoom,
    /// Temporarily impossible.
    #[error("{0}")]
    Unavailable(String),
    /// An error of the database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The connection broke during a commit, so its result is unknown. The caller may repeat the request if
    /// that does no harm.
    #[error("the outcome of a commit is unknown: {0}")]
    Uncertain(#[source] sqlx::Error),
    /// An error of the body store.
    #[error(transparent)]
    Volume(#[from] volume::Error),
    /// An error of this program, or broken data.
    #[error("{0}")]
    Internal(String),
}

/// Result with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether a repetition of the request may succeed: Postgres restarted, a deadlock was broken, a
    /// connection was lost.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Uncertain(_) => true,
            Self::Database(error) => database::is_transient(error),
            Self::Volume(volume::Error::Database(error)) => database::is_transient(error),
            _ => false,
        }
    }

    /// Whether nothing was changed, so that the operation may be repeated at once.
    pub fn is_repeatable(&self) -> bool {
        self.is_transient() && !matches!(self, Self::Uncertain(_))
    }

    fn code(&self) -> Code {
        match self {
            Self::NotFound(_) => Code::NotFound,
            Self::AlreadyExists(_) => Code::AlreadyExists,
            Self::Invalid(_) => Code::InvalidArgument,
            Self::Precondition(_) => Code::FailedPrecondition,
            Self::Exhausted(_) | Self::NoRoom => Code::ResourceExhausted,
            Self::Volume(volume::Error::Missing(_) | volume::Error::NoUpload) => Code::NotFound,
            Self::Volume(volume::Error::TooLarge(_)) => Code::ResourceExhausted,
            Self::Volume(volume::Error::SizeMismatch { .. }) => Code::InvalidArgument,
            Self::Volume(volume::Error::BrokenOff(_)) => Code::Aborted,
            _ if self.is_transient() => Code::Unavailable,
            _ => Code::Internal,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        if let Error::NoRoom = error {
            return api::no_room("too little free space where mail is stored");
        }
        let code = error.code();
        match code {
            // The cause is logged here, once, and does not leave the process.
            Code::Internal => {
                tracing::error!(%error, "request failed");
                Self::new(code, "internal error")
            }
            Code::Unavailable => {
                // The log already says that the database is away: the process is not ready.
                tracing::debug!(%error, "request could not be served now");
                Self::new(code, "temporarily unavailable")
            }
            _ => Self::new(code, error.to_string()),
        }
    }
}
