//! What can go wrong, and the gRPC code that says so.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::grpc::{Code, Status};
use api::message::v1::Failure;

/// Transient failures come in crowds.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// Why a request was not fulfilled. The texts are for persons who run the system; a front end never shows them to
/// a mail peer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The request says something that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// There is no such message, revision or secret.
    #[error("{0}")]
    NotFound(String),
    /// The request is understood and not possible as things stand.
    #[error("{0}")]
    Precondition(String),
    /// Somebody else was faster.
    #[error("{0}")]
    Conflict(String),
    /// Whoever asked broke off.
    #[error("{0}")]
    BrokenOff(String),
    /// Try again later.
    #[error("{0}")]
    Unavailable(&'static str),
    /// Our own mistake.
    #[error("{0}")]
    Internal(String),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Short for this crate's results.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid(what.into())
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound(what.into())
    }

    /// Whether the same may succeed a little later.
    pub(crate) fn is_transient(&self) -> bool {
        self.code() == Code::Unavailable
    }

    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::NotFound(_) => Code::NotFound,
            Self::Precondition(_) => Code::FailedPrecondition,
            Self::Conflict(_) => Code::Aborted,
            Self::BrokenOff(_) => Code::Cancelled,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Database(error) if database::is_transient(error) => Code::Unavailable,
            Self::Internal(_) | Self::Database(_) => Code::Internal,
        }
    }
}

impl From<volume::Error> for Error {
    fn from(error: volume::Error) -> Self {
        match error {
            volume::Error::Database(error) => Self::Database(error),
            volume::Error::Missing(_) => Self::NotFound(error.to_string()),
            volume::Error::TooLarge(_) | volume::Error::SizeMismatch { .. } => {
                Self::Invalid(error.to_string())
            }
            volume::Error::BrokenOff(_) => Self::BrokenOff(error.to_string()),
        }
    }
}

/// The answer of a call. The cause of what the database refused is logged here, that of transient failures once a
/// minute; the answer never carries it.
impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let code = error.code();
        let Error::Database(error) = error else {
            return Self::new(code, error.to_string());
        };
        if code == Code::Unavailable {
            warn_now_and_then(&error);
            Self::new(code, "the queue's database is unavailable")
        } else {
            tracing::error!(%error, "the database refused a statement");
            Self::new(code, "the queue's database refused a statement")
        }
    }
}

/// The answer to one request of a stream that goes on.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = Status::from(error);
        Self {
            code: status.code() as i32,
            message: status.message().to_owned(),
        }
    }
}

/// That the database is away stands in the log already, since the process is not ready then. That it is
/// full, or that statements wait too long for locks or connections, does not.
fn warn_now_and_then(error: &sqlx::Error) {
    static WARNED: Mutex<Option<Instant>> = Mutex::new(None);
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    if warned.is_none_or(|at| at.elapsed() >= BETWEEN_WARNINGS) {
        *warned = Some(Instant::now());
        tracing::warn!(%error, "the database does not do what it is asked for; callers try again");
    }
}
