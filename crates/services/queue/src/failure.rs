//! What a caller is told when something fails. The cause is logged here, that of transient
//! failures once a minute; the answer never carries it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::grpc::Status;
use api::message::v1::Failure;

/// Transient failures come in crowds.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// The answer when Postgres failed.
pub(crate) fn of_database(error: &sqlx::Error) -> Status {
    if let sqlx::Error::InvalidArgument(reason) = error {
        return Status::invalid_argument(reason.clone());
    }
    if database::is_transient(error) {
        tell_now_and_then(error);
        Status::unavailable("the queue's database is unavailable")
    } else {
        tracing::error!(%error, "the database refused a statement");
        Status::internal("the queue's database refused a statement")
    }
}

/// That the database is away stands in the log already, since the process is not ready then. That it is
/// full, or that statements wait too long for locks or connections, does not.
fn tell_now_and_then(error: &sqlx::Error) {
    static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.is_none_or(|at| at.elapsed() >= BETWEEN_WARNINGS) {
        *told = Some(Instant::now());
        tracing::warn!(%error, "the database does not do what it is asked for; callers try again");
    }
}

/// The answer when the mail volume failed or refused.
pub(crate) fn of_volume(error: volume::Error) -> Status {
    match error {
        volume::Error::Database(error) => of_database(&error),
        volume::Error::Missing(_) => Status::not_found(error.to_string()),
        volume::Error::TooLarge(_) | volume::Error::SizeMismatch { .. } => {
            Status::invalid_argument(error.to_string())
        }
        volume::Error::BrokenOff(_) => Status::cancelled(error.to_string()),
    }
}

/// For a stream that goes on.
pub(crate) fn for_stream(status: &Status) -> Failure {
    Failure {
        code: status.code() as i32,
        message: status.message().to_owned(),
    }
}
