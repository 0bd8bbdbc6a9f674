//! Errors, and the meaning of SQLSTATEs (PostgreSQL, appendix A).

/// The reason why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is invalid.
    #[error("the database URL cannot be used: {0}")]
    Url(#[source] sqlx::Error),
    /// Postgres did not answer in time.
    #[error("Postgres cannot be reached: {0}")]
    Unreachable(#[source] sqlx::Error),
    /// A migration failed, or an applied one has been changed since.
    #[error("the migrations of schema {schema} failed: {source}")]
    Migration {
        /// The schema to migrate.
        schema: String,
        /// The cause.
        source: sqlx::migrate::MigrateError,
    },
}

impl Error {
    /// Whether a retry may succeed soon: Postgres was lost, or is starting.
    pub fn is_transient(&self) -> bool {
        use sqlx::migrate::MigrateError;
        match self {
            Self::Unreachable(_) => true,
            Self::Migration { source, .. } => match source {
                MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                    is_transient(error)
                }
                _ => false,
            },
            Self::Url(_) => false,
        }
    }
}

/// A duplicate unique or primary key (23505).
pub fn is_unique_violation(error: &sqlx::Error) -> bool {
    has_code(error, "23505")
}

/// A row is still referenced, or a referenced row is missing (23503).
pub fn is_foreign_key_violation(error: &sqlx::Error) -> bool {
    has_code(error, "23503")
}

/// The row is in use (55006), by an application's rule.
pub fn is_object_in_use(error: &sqlx::Error) -> bool {
    has_code(error, "55006")
}

/// A lock did not become free within `lock_timeout` (55P03).
pub fn is_lock_timeout(error: &sqlx::Error) -> bool {
    has_code(error, "55P03")
}

/// The table does not exist (42P01): its owner has not migrated yet.
pub fn is_undefined_table(error: &sqlx::Error) -> bool {
    has_code(error, "42P01")
}

/// Whether a retry of the same statement may succeed: Postgres was unavailable, was lost or is starting, or
/// the transaction lost against another.
///
/// After a broken connection it is unknown whether the statement was committed, so only idempotent
/// statements may be retried.
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::BeginFailed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_transient_code(&code)),
        _ => false,
    }
}

fn is_transient_code(code: &str) -> bool {
    // 08: connection exception; 53: insufficient resources; 57P0x: shut down, crashed, starting;
    // 40: serialization failure and deadlock; 25006: read-only while a standby takes over;
    // 55P03: lock not available; 25P03: ended for idling in a transaction.
    code.starts_with("08")
        || code.starts_with("53")
        || matches!(
            code,
            "57P01" | "57P02" | "57P03" | "40001" | "40P01" | "25006" | "55P03" | "25P03"
        )
}

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_is_transient_and_a_wrong_statement_is_not() {
        assert!(is_transient(&sqlx::Error::PoolTimedOut));
        assert!(is_transient(&sqlx::Error::Io(
            std::io::ErrorKind::BrokenPipe.into()
        )));
        assert!(!is_transient(&sqlx::Error::RowNotFound));
    }

    #[test]
    fn codes_of_a_postgres_that_goes_or_comes_are_transient() {
        for code in ["57P01", "57P03", "08006", "53300", "40P01", "40001"] {
            assert!(is_transient_code(code), "{code}");
        }
        for code in ["23505", "23503", "42P01", "22021", "23514"] {
            assert!(!is_transient_code(code), "{code}");
        }
    }
}
