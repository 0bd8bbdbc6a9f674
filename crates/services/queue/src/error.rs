//! The errors of this service and their gRPC codes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::grpc::{Code, Status};
use api::message::v1::Failure;

/// Interval between warnings, since transient failures come in large numbers.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// Why a request was refused. Administrators read these texts; a front end never shows them to a mail peer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The request is invalid.
    #[error("{0}")]
    Invalid(String),
    /// The message, revision or secret does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The request is valid but impossible in the present state.
    #[error("{0}")]
    Precondition(String),
    /// The caller has no permission.
    #[error("{0}")]
    Denied(String),
    /// Another client changed the object first.
    #[error("{0}")]
    Conflict(String),
    /// The client ended the request early.
    #[error("{0}")]
    BrokenOff(String),
    /// Temporarily impossible.
    #[error("{0}")]
    Unavailable(&'static str),
    /// An error of this program.
    #[error("{0}")]
    Internal(String),
    /// An error of the database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Result with this crate's error.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid(what.into())
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound(what.into())
    }

    /// Whether a repetition a little later may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        self.code() == Code::Unavailable
    }

    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::NotFound(_) => Code::NotFound,
            Self::Precondition(_) => Code::FailedPrecondition,
            Self::Denied(_) => Code::PermissionDenied,
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
            volume::Error::Missing(_) | volume::Error::NoUpload => {
                Self::NotFound(error.to_string())
            }
            volume::Error::TooLarge(_) | volume::Error::SizeMismatch { .. } => {
                Self::Invalid(error.to_string())
            }
            volume::Error::BrokenOff(_) => Self::BrokenOff(error.to_string()),
        }
    }
}

/// The status of a call. The cause of a database error is logged here and never part of the status. Transient
/// failures are logged once a minute.
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

/// The answer to one request of a stream; the stream continues.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = Status::from(error);
        Self {
            code: status.code() as i32,
            message: status.message().to_owned(),
        }
    }
}

/// Logs a transient error once in a while. The log already says when the database is away, since the process
/// is not ready then. It does not say when the disk is full, or when statements wait too long for locks or
/// connections.
fn warn_now_and_then(error: &sqlx::Error) {
    static WARNED: Mutex<Option<Instant>> = Mutex::new(None);
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    if warned.is_none_or(|at| at.elapsed() >= BETWEEN_WARNINGS) {
        *warned = Some(Instant::now());
        tracing::warn!(%error, "the database fails temporarily; callers try again");
    }
}
