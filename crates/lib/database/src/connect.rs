//! The connection pool.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor};

use crate::{Error, Retry};

/// How long a request waits for a connection before it fails as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that idled longer is tried before it is used, since Postgres may have been
/// restarted meanwhile. Under load nothing is tried: that would cost a round trip each time.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// How long [`connect`] waits for a Postgres that is still starting.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What [`connect`] needs beside the URL.
#[derive(Debug, Clone)]
pub struct Options {
    /// Upper limit of the pool.
    pub max_connections: u32,
    /// Shown in `pg_stat_activity`.
    pub application: String,
    /// Further settings of every connection (`enable_seqscan` = `off`, say).
    pub settings: Vec<(&'static str, &'static str)>,
}

impl Options {
    /// A pool of at most `max_connections` for the named process.
    pub fn new(application: &str, max_connections: u32) -> Self {
        Self {
            max_connections,
            application: application.to_owned(),
            settings: Vec::new(),
        }
    }

    /// Every connection gets this setting.
    #[must_use]
    pub fn setting(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }
}

/// Opens a pool, waiting for a Postgres that is still starting.
///
/// Every connection commits synchronously (I1), whatever the server's default is.
pub async fn connect(url: &str, options: &Options) -> Result<PgPool, Error> {
    let connection = PgConnectOptions::from_str(url)
        .map_err(Error::Url)?
        .application_name(&options.application)
        .statement_cache_capacity(256)
        .options([
            ("synchronous_commit", "on"),
            // Our statements are short; compiling them costs more than it saves.
            ("jit", "off"),
            // A process that hangs within a transaction must not hold its locks for ever.
            ("idle_in_transaction_session_timeout", "60s"),
            // Nor one whose machine has gone; and nobody waits for such a lock for ever.
            ("tcp_user_timeout", "30s"),
            ("lock_timeout", "10s"),
        ])
        .options(options.settings.iter().copied());
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections.max(1))
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .max_lifetime(None)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(connection);
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
