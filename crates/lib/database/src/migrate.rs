//! Migrates a schema while processes of the previous version use it.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::Error;
use crate::connect::LOCK_TIMEOUT;

/// Interval between attempts to get the migration lock.
const PAUSE: Duration = Duration::from_millis(100);

/// Applies the missing migrations of `schema`, and records them in `schema.migration`.
///
/// Any number of processes may start at once. A schema of a later version is accepted: its migrations keep
/// it compatible with the previous version.
/// taken as it is: its migrations leave it fit for the version before.
pub async fn migrate(pool: &PgPool, schema: &str, migrations: &Migrator) -> Result<(), Error> {
    let failed = |source| Error::Migration {
        schema: schema.to_owned(),
        source,
    };
    // A detached connection: if the run fails, its locks end with it.
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
        // A process of the previous version may be started again.
        ignore_missing: true,
        // The lock is taken separately, and for all schemas together (see `take_turn`).
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

/// A statement that changes a table waits for its lock no longer than any other, since all other statements
/// queue behind it. Building or dropping an index concurrently blocks nobody, but waits for all running
/// readers: a backup takes longer, and a limit would make it start again and again.
async fn wait_for_locks(connection: &mut PgConnection, patiently: bool) -> Result<(), sqlx::Error> {
    let longest = if patiently { "0" } else { LOCK_TIMEOUT };
    sqlx::query("SELECT set_config('lock_timeout', $1, false)")
        .bind(longest)
        .execute(connection)
        .await?;
    Ok(())
}

/// Waits until nobody else migrates this schema. Not within one statement: a concurrent index build waits
/// for every running statement, and would deadlock with it. Services started meanwhile do not wait for
/// another's index build.
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
            tracing::info!("another process migrates the database: waiting");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Drops the remains of interrupted index builds: their migrations are run again.
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
        tracing::warn!(
            index,
            "its build was interrupted: the index is dropped and built again"
        );
        let statement = AssertSqlSafe(format!("DROP INDEX CONCURRENTLY IF EXISTS {index}"));
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    Ok(())
}
