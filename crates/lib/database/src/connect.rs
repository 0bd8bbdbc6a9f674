//! The connection pool, and the setup and verification of its connections.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::fitness::State;
use crate::{Error, Retry};

/// Time limit for getting a connection; then the request fails as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection idle for longer is tested before use, since Postgres may have been restarted. Under load no
/// test is made: it would cost a round trip each time.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// Time limit of [`connect`] for a Postgres that is still starting.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Settings of every connection, whatever the defaults of the server, the database or the role.
const SETTINGS: [(&str, &str); 6] = [
    // I1: a commit is answered when it is on disk.
    ("synchronous_commit", "on"),
    // The statements rely on it: each sees everything committed before it.
    ("default_transaction_isolation", "read committed"),
    // The statements are short; compiling them costs more than it saves.
    ("jit", "off"),
    // A process that hangs within a transaction must not hold its locks for ever.
    ("idle_in_transaction_session_timeout", "60s"),
    // Nor may one whose machine is lost; and a wait for such a lock must end.
    ("tcp_user_timeout", "30s"),
    ("lock_timeout", LOCK_TIMEOUT),
];

/// Time limit for a statement to get a lock.
pub(crate) const LOCK_TIMEOUT: &str = "10s";

/// Options of [`pool`] besides the URL.
#[derive(Debug, Clone)]
pub struct Options {
    /// Maximum size of the pool.
    pub max_connections: u32,
    /// Shown in `pg_stat_activity`.
    pub application: String,
    /// Further settings of every connection (`enable_seqscan` = `off`, say).
    pub settings: Vec<(&'static str, &'static str)>,
    /// Refuses a server with `fsync = off`.
    pub require_fsync: bool,
}

impl Options {
    /// A pool of at most `max_connections` for this process.
    pub fn new(application: &str, max_connections: u32) -> Self {
        Self {
            max_connections,
            application: application.to_owned(),
            settings: Vec::new(),
            require_fsync: false,
        }
    }

    /// Refuses a server with `fsync = off`. The default is to accept it.
    #[must_use]
    pub fn require_fsync(mut self, require: bool) -> Self {
        self.require_fsync = require;
        self
    }

    /// Adds a setting of every connection.
    #[must_use]
    pub fn setting(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }
}

/// The parameters of all connections.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    options: PgConnectOptions,
    settings: Arc<str>,
    pub(crate) require_fsync: bool,
}

impl Recipe {
    pub(crate) fn new(url: &str, options: &Options) -> Result<Self, Error> {
        let connect = PgConnectOptions::from_str(url)
            .map_err(Error::Url)?
            .application_name(&options.application)
            .statement_cache_capacity(256)
            // Results are binary and complete anyway, and poolers do not know the parameter.
            .extra_float_digits(None);
        let mut settings = String::new();
        for (name, value) in SETTINGS.iter().chain(&options.settings) {
            // Both are our own constants; writing to a string does not fail.
            let _ = write!(settings, "SET {name} = '{value}';");
        }
        Ok(Self {
            options: connect,
            settings: settings.into(),
            require_fsync: options.require_fsync,
        })
    }

    /// Applies the settings with a statement: poolers silently drop settings of a startup message. One
    /// round trip for each connection.
    pub(crate) async fn set_up(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let statements = AssertSqlSafe(self.settings.to_string());
        sqlx::raw_sql(statements).execute(connection).await?;
        Ok(())
    }

    /// Sets up a connection of the pool, and fails if its server is unsafe. A failover ends all
    /// connections, so an unchecked server is never used. One more round trip for each connection.
    async fn set_up_verified(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.set_up(connection).await?;
        match State::of(connection).await?.keeps(self.require_fsync) {
            Ok(()) => Ok(()),
            Err(unfit) => Err(sqlx::Error::Configuration(unfit.into_reason().into())),
        }
    }

    /// A connection outside the pool.
    pub(crate) async fn connection(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        self.set_up(&mut connection).await?;
        Ok(connection)
    }
}

/// Makes a pool. Nothing connects yet.
///
/// Every connection commits synchronously (I1), whatever the server's default, and is verified before its
/// use: an unsafe server is treated as unavailable.
pub fn pool(url: &str, options: &Options) -> Result<PgPool, Error> {
    let recipe = Recipe::new(url, options)?;
    let connect = recipe.options.clone();
    Ok(PgPoolOptions::new()
        .max_connections(options.max_connections.max(1))
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            let recipe = recipe.clone();
            Box::pin(async move { recipe.set_up_verified(connection).await })
        })
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(connect))
}

/// Makes a pool, and waits at most a minute for a Postgres that is still starting. Services use
/// [`Fitness`](crate::Fitness) instead, which also verifies the server's settings.
pub async fn connect(url: &str, options: &Options) -> Result<PgPool, Error> {
    let pool = pool(url, options)?;
    await_postgres(&pool).await?;
    Ok(pool)
}

async fn await_postgres(pool: &PgPool) -> Result<(), Error> {
    let mut retry = Retry::within(START_TIMEOUT);
    while let Err(error) = pool.execute("SELECT 1").await {
        retry.again(error).await.map_err(Error::Unreachable)?;
    }
    Ok(())
}
