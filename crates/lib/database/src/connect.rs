//! The connection pool, and how each of its connections is set up and verified.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::fitness::State;
use crate::{Error, Retry};

/// How long a request waits for a connection before it fails as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that idled longer is tried before it is used, since Postgres may have been
/// restarted meanwhile. Under load nothing is tried: that would cost a round trip each time.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// How long [`connect`] waits for a Postgres that is still starting.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Settings of every connection, whatever the server, the database or the role has as default.
const SETTINGS: [(&str, &str); 6] = [
    // I1: a commit is answered when it is on the disk.
    ("synchronous_commit", "on"),
    // What our statements are written for: each sees what has been committed before it.
    ("default_transaction_isolation", "read committed"),
    // Our statements are short; compiling them costs more than it saves.
    ("jit", "off"),
    // A process that hangs within a transaction must not hold its locks for ever.
    ("idle_in_transaction_session_timeout", "60s"),
    // Nor one whose machine has gone; and nobody waits for such a lock for ever.
    ("tcp_user_timeout", "30s"),
    ("lock_timeout", LOCK_TIMEOUT),
];

/// How long a statement waits for a lock.
pub(crate) const LOCK_TIMEOUT: &str = "10s";

/// What [`pool`] needs beside the URL.
#[derive(Debug, Clone)]
pub struct Options {
    /// Upper limit of the pool.
    pub max_connections: u32,
    /// Shown in `pg_stat_activity`.
    pub application: String,
    /// Further settings of every connection (`enable_seqscan` = `off`, say).
    pub settings: Vec<(&'static str, &'static str)>,
    /// A server with `fsync = off` is not fit.
    pub require_fsync: bool,
}

impl Options {
    /// A pool of at most `max_connections` for the named process.
    pub fn new(application: &str, max_connections: u32) -> Self {
        Self {
            max_connections,
            application: application.to_owned(),
            settings: Vec::new(),
            require_fsync: false,
        }
    }

    /// Whether a server with `fsync = off` is not fit. Off unless this is called.
    #[must_use]
    pub fn require_fsync(mut self, require: bool) -> Self {
        self.require_fsync = require;
        self
    }

    /// Every connection gets this setting.
    #[must_use]
    pub fn setting(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }
}

/// How connections are made, one like the other.
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
            // Results are binary, which has all digits anyway; and poolers do not know the parameter.
            .extra_float_digits(None);
        let mut settings = String::new();
        for (name, value) in SETTINGS.iter().chain(&options.settings) {
            // Both are constants of ours; and writing to a string does not fail.
            let _ = write!(settings, "SET {name} = '{value}';");
        }
        Ok(Self {
            options: connect,
            settings: settings.into(),
            require_fsync: options.require_fsync,
        })
    }

    /// Applies the settings, by statements: what a connection's startup message asks for, poolers
    /// drop without a word. One round trip a connection.
    pub(crate) async fn set_up(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let statements = AssertSqlSafe(self.settings.to_string());
        sqlx::raw_sql(statements).execute(connection).await?;
        Ok(())
    }

    /// Sets a connection of the pool up, and fails if the server at its other end would take what it does
    /// not keep. With a failover all connections end, so nothing is given to a server that nobody has
    /// looked at. One more round trip a connection.
    async fn set_up_verified(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.set_up(connection).await?;
        match State::of(connection).await?.keeps(self.require_fsync) {
            Ok(()) => Ok(()),
            Err(unfit) => Err(sqlx::Error::Configuration(unfit.into_reason().into())),
        }
    }

    /// A connection outside of the pool.
    pub(crate) async fn connection(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        self.set_up(&mut connection).await?;
        Ok(connection)
    }
}

/// Makes a pool. Nothing connects yet.
///
/// Every connection commits synchronously (I1), whatever the server's default is, and is verified before it
/// is used: where the server does not keep what it commits there are no connections, as if it were away.
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

/// Makes a pool, and waits a minute at most for a Postgres that is still starting. A service waits by
/// [`Fitness`](crate::Fitness) instead, which also verifies that the server keeps what it is given.
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
