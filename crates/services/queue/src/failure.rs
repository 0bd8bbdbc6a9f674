//! What a caller is told when something fails. The cause is logged here, once, unless it is that the
//! database is away; the answer never carries it.

use api::grpc::Status;
use api::message::v1::Failure;

/// The answer when Postgres failed.
pub(crate) fn of_database(error: &sqlx::Error) -> Status {
    if let sqlx::Error::InvalidArgument(reason) = error {
        return Status::invalid_argument(reason.clone());
    }
    if database::is_transient(error) {
        // That the database is away stands in the log already: the process is not ready.
        tracing::debug!(%error, "the database is unavailable");
        Status::unavailable("the queue's database is unavailable")
    } else {
        tracing::error!(%error, "the database refused a statement");
        Status::internal("the queue's database refused a statement")
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
