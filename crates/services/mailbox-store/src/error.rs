//! What can go wrong, and the gRPC code that says so.

use api::grpc::{Code, Status};

/// Why a request was not fulfilled. The texts are for persons who run the system; a front end
/// never shows them to a mail peer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such user, mailbox or message.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The name or address is taken.
    #[error("{0} exists already")]
    AlreadyExists(String),
    /// The request says something that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The request is understood and not possible as things stand.
    #[error("{0}")]
    Precondition(String),
    /// A limit is reached.
    #[error("{0}")]
    Exhausted(String),
    /// The volume has too little free space for more messages.
    #[error("too little free space")]
    NoRoom,
    /// Try again later.
    #[error("{0}")]
    Unavailable(String),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A commit whose outcome nobody knows: the connection broke meanwhile. The same request may
    /// be made again by whoever knows that this does no harm.
    #[error("the outcome of a commit is unknown: {0}")]
    Uncertain(#[source] sqlx::Error),
    /// The store of bodies.
    #[error(transparent)]
    Volume(#[from] volume::Error),
    /// Our own mistake or broken data.
    #[error("{0}")]
    Internal(String),
}

/// Short for this crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether the same request may succeed when it is simply made again: Postgres restarts, a
    /// deadlock was broken, a connection was lost.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Uncertain(_) => true,
            Self::Database(error) => database::is_transient(error),
            Self::Volume(volume::Error::Database(error)) => database::is_transient(error),
            _ => false,
        }
    }

    /// Whether nothing has happened and the same may be done again here and now.
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
            Self::Volume(volume::Error::Missing(_)) => Code::NotFound,
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
                // That the database is away stands in the log already: the process is not ready.
                tracing::debug!(%error, "request could not be served now");
                Self::new(code, "temporarily unavailable")
            }
            _ => Self::new(code, error.to_string()),
        }
    }
}
