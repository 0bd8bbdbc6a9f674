//! Bringing a schema up to date, while processes of the version before work on it.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::Error;
use crate::connect::LOCK_TIMEOUT;

/// Between two looks at whether it is our turn.
const PAUSE: Duration = Duration::from_millis(100);

/// Applies the migrations of `schema` that have not been applied yet, and notes them in
/// `schema.migration`.
///
/// Any number of processes may start at once. A schema that a later version has brought further is
/// taken as it is: its migrations leave it fit for the version before.
pub async fn migrate(pool: &PgPool, schema: &str, migrations: &Migrator) -> Result<(), Error> {
    let failed = |source| Error::Migration {
        schema: schema.to_owned(),
        source,
    };
    // A detached connection: were the run to fail, its locks end with it.
    let mut connection = pool
        .acquire()
        .await
        .map_err(|error| failed(error.into()))?
        .detach();
    let run = run(&mut connection, schema, migrations).await;
    run.map_err(failed)?;
    connection
        .close()
        .await
        .map_err(|error| failed(error.into()))
}

async fn run(
    connection: &mut PgConnection,
    schema: &str,
    migrations: &Migrator,
) -> Result<(), MigrateError> {
    take_turn(connection, schema).await?;
    wait_for_locks(connection, true).await?;
    drop_unfinished(connection, schema).await?;
    wait_for_locks(connection, false).await?;
    let mut migrator = Migrator {
        migrations: Cow::Owned(migrations.migrations.to_vec()),
        // A process of the version before that is started again meanwhile, or for good.
        ignore_missing: true,
        // It is waited for in a statement, and for all schemas together (see `take_turn`).
        locking: false,
        ..Migrator::DEFAULT
    };
    migrator.create_schema(schema.to_owned());
    migrator.dangerous_set_table_name(format!("{schema}.migration"));
    for alone in migrations.iter().filter(|migration| migration.no_tx) {
        let before = Some(alone.version - 1);
        migrator.run_direct(before, connection, false).await?;
        wait_for_locks(connection, true).await?;
        let this = Some(alone.version);
        migrator.run_direct(this, connection, false).await?;
        wait_for_locks(connection, false).await?;
    }
    migrator.run_direct(None, connection, false).await
}

/// What changes a table waits for its lock no longer than any other statement, since all
/// others wait behind it. An index that is built or dropped concurrently stands in nobody's way, and
/// waits for everything that reads at the time: a backup takes longer, and would have it begin again
/// and again.
async fn wait_for_locks(connection: &mut PgConnection, patiently: bool) -> Result<(), sqlx::Error> {
    let longest = if patiently { "0" } else { LOCK_TIMEOUT };
    sqlx::query("SELECT set_config('lock_timeout', $1, false)")
        .bind(longest)
        .execute(connection)
        .await?;
    Ok(())
}

/// Waits until nobody else migrates this schema. Not in a statement: an index that is built
/// concurrently waits for every statement that runs, and would wait for us as we for it. A service
/// that is started while another's index is built does not wait for that.
async fn take_turn(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    let mut told = false;
    loop {
        let ours: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, 0))")
            .bind(format!("postern: migrations of {schema}"))
            .fetch_one(&mut *connection)
            .await?;
        if ours {
            return Ok(());
        }
        if !std::mem::replace(&mut told, true) {
            tracing::info!("another process brings the database up to date: waiting");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Drops what is left of indexes whose building was cut off: their migrations are run again.
async fn drop_unfinished(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    let unfinished: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', n.nspname, c.relname)
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname = $1",
    )
    .bind(schema)
    .fetch_all(&mut *connection)
    .await?;
    for index in unfinished {
        tracing::warn!(index, "its building was cut off: it is dropped");
        let statement = AssertSqlSafe(format!("DROP INDEX CONCURRENTLY IF EXISTS {index}"));
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    Ok(())
}
