//! The connection for checks.

use std::sync::Once;
use std::time::Instant;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::{Look, Unfit, timely};
use crate::connect::Recipe;

/// The checked values, read with an unprepared statement, since a pooler may lose prepared ones.
const STATE: &str = "SELECT pg_backend_pid() AS backend,
    current_setting('postern.session', true) AS mark,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('transaction_isolation') AS isolation,
    current_setting('transaction_read_only') AS read_only,
    pg_is_in_recovery() AS standby,
    floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS clock_ms";

/// Number of alternations between two connections in [`separate`]. A pooler that shares sessions is
/// detected in the first, unless others use it at the same time.
const TURNS: u32 = 3;

/// The error for shared sessions.
const SHARED: &str = "a connection pooler gives its sessions to others between transactions. Postern \
    needs a session for each connection: set `pool_mode = session` in PgBouncer, or name Postgres itself \
    in database.url (docs/database.md)";

/// A connection that has been verified to have its own session.
pub(super) struct Probe {
    session: Session,
    found: Look,
}

/// A connection, and the identity of its session.
struct Session {
    connection: PgConnection,
    backend: i32,
    mark: String,
}

/// The columns of [`STATE`].
pub(crate) struct State {
    backend: i32,
    mark: Option<String>,
    synchronous_commit: String,
    fsync: String,
    full_page_writes: String,
    isolation: String,
    read_only: String,
    standby: bool,
    look: Look,
}

impl Probe {
    /// Connects and makes all checks.
    pub(super) async fn open(recipe: &Recipe) -> Result<Self, Unfit> {
        timely(async {
            let mut session = Session::open(recipe).await?;
            // In a transaction with several round trips, as the services do.
            session.say("BEGIN").await?;
            let state = session.see_itself().await?;
            session.say("COMMIT").await?;
            state.judge(recipe.require_fsync)?;
            if state.full_page_writes != "on" {
                static WARNED: Once = Once::new();
                WARNED.call_once(|| {
                    tracing::warn!(
                        "full_page_writes is off in Postgres: a power failure can destroy the database, \
                         unless its file system never writes half a page"
                    );
                });
            }
            let mut other = Session::open(recipe).await?;
            separate(&mut session, &mut other).await?;
            other.connection.close().await.map_err(away)?;
            Ok(Self {
                session,
                found: state.look,
            })
        })
        .await
    }

    /// Makes the periodic check.
    pub(super) async fn look(&mut self, require_fsync: bool) -> Result<(), Unfit> {
        timely(async {
            let state = self.session.see_itself().await?;
            state.judge(require_fsync)?;
            self.found = state.look;
            Ok(())
        })
        .await
    }

    /// The result of the last check.
    pub(super) fn found(&self) -> Look {
        self.found
    }
}

/// Alternates between two connections: while one is within a transaction, the other must find its session
/// unchanged, and neither may see the other's session.
async fn separate(one: &mut Session, other: &mut Session) -> Result<(), Unfit> {
    for _ in 0..TURNS {
        overlap(one, other).await?;
        overlap(other, one).await?;
    }
    Ok(())
}

async fn overlap(outer: &mut Session, inner: &mut Session) -> Result<(), Unfit> {
    outer.say("BEGIN").await?;
    outer.see_itself().await?;
    inner.see_itself().await?;
    outer.say("COMMIT").await
}

impl Session {
    async fn open(recipe: &Recipe) -> Result<Self, Unfit> {
        let connection = recipe.connection().await.map_err(away)?;
        let mut session = Self {
            connection,
            backend: 0,
            mark: format!("{:016x}", rand::random::<u64>()),
        };
        let mark = format!("SET postern.session = '{}'", session.mark);
        session.say(&mark).await?;
        let state = State::of(&mut session.connection).await;
        session.backend = state.map_err(away)?.backend;
        session.see_itself().await?;
        Ok(session)
    }

    async fn say(&mut self, statement: &str) -> Result<(), Unfit> {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        statement
            .execute(&mut self.connection)
            .await
            .map_err(away)?;
        Ok(())
    }

    /// Checks, and verifies that the session is still the same.
    async fn see_itself(&mut self) -> Result<State, Unfit> {
        let state = State::of(&mut self.connection).await.map_err(away)?;
        if state.backend == self.backend && state.mark.as_ref() == Some(&self.mark) {
            return Ok(state);
        }
        Err(Unfit::Unsafe(SHARED.to_owned()))
    }
}

impl State {
    /// Reads the state of the connection's session.
    pub(crate) async fn of(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let asked = Instant::now();
        let row = sqlx::raw_sql(STATE).fetch_one(connection).await?;
        Self::read(&row, asked)
    }

    fn read(row: &PgRow, asked: Instant) -> Result<Self, sqlx::Error> {
        let look = Look {
            clock_ms: row.try_get("clock_ms")?,
            asked,
            answered: Instant::now(),
        };
        Ok(Self {
            backend: row.try_get("backend")?,
            mark: row.try_get("mark")?,
            synchronous_commit: row.try_get("synchronous_commit")?,
            fsync: row.try_get("fsync")?,
            full_page_writes: row.try_get("full_page_writes")?,
            isolation: row.try_get("isolation")?,
            read_only: row.try_get("read_only")?,
            standby: row.try_get("standby")?,
            look,
        })
    }

    fn judge(&self, require_fsync: bool) -> Result<(), Unfit> {
        self.keeps(require_fsync)?;
        if self.standby {
            return Err(Unfit::Away(
                "this Postgres is a standby: it takes no writes".to_owned(),
            ));
        }
        if self.read_only != "off" {
            return Err(Unfit::Away(
                "the database is read-only (default_transaction_read_only)".to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether committed data is kept, and the isolation level is the one that the statements need.
    pub(crate) fn keeps(&self, require_fsync: bool) -> Result<(), Unfit> {
        // `local` and `remote_write` do not wait for the disk of a synchronous standby: a failover could
        // lose mail answered with 250.
        if !matches!(self.synchronous_commit.as_str(), "on" | "remote_apply") {
            let value = &self.synchronous_commit;
            return Err(Unfit::Unsafe(format!(
                "synchronous_commit is {value} although the connection has set it to on: something between \
                 here and Postgres drops settings (docs/database.md)"
            )));
        }
        if require_fsync && self.fsync != "on" {
            return Err(Unfit::Unsafe(
                "fsync is off in Postgres: what it has committed is lost when the machine fails. Set \
                 `fsync = on` in postgresql.conf, or, for a system whose mail may be lost, `require-fsync = \
                 false` in the section [database]"
                    .to_owned(),
            ));
        }
        if self.isolation != "read committed" {
            let isolation = &self.isolation;
            return Err(Unfit::Unsafe(format!(
                "transactions are {isolation} although the connection has asked for read committed: something \
                 between here and Postgres drops settings (docs/database.md)"
            )));
        }
        Ok(())
    }
}

fn away(error: sqlx::Error) -> Unfit {
    Unfit::Away(match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    })
}
