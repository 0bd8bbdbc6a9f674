//! Bringing a schema up to date.

use std::borrow::Cow;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPool;

use crate::Error;

/// Applies the migrations of `schema` that have not been applied yet, and notes them in
/// `schema.migration`.
///
/// Runs under an advisory lock of the database: any number of processes may start at once.
pub async fn migrate(pool: &PgPool, schema: &str, migrations: &Migrator) -> Result<(), Error> {
    let failed = |source| Error::Migration {
        schema: schema.to_owned(),
        source,
    };
    let mut migrator = Migrator {
        migrations: Cow::Owned(migrations.migrations.to_vec()),
        ..Migrator::DEFAULT
    };
    migrator.create_schema(schema.to_owned());
    migrator.dangerous_set_table_name(format!("{schema}.migration"));
    // A detached connection: were the run to fail, its lock ends with it.
    let mut connection = pool
        .acquire()
        .await
        .map_err(|error| failed(error.into()))?
        .detach();
    migrator
        .run_direct(None, &mut connection, false)
        .await
        .map_err(failed)
}
