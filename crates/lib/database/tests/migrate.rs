//! Migrations of several processes, of several versions.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use database::{Options, connect, migrate};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr as _};
use test_kit::Postgres;
use tokio::task::JoinHandle;

const TABLE: &str = "CREATE TABLE s.t (n bigint PRIMARY KEY, m bigint NOT NULL)";
const INDEX: &str = "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_m ON s.t (m)";

fn migrations(texts: &[&'static str]) -> Migrator {
    let numbered = (1..).zip(texts).map(|(version, sql)| {
        let no_transaction = sql.contains("CONCURRENTLY");
        let (name, kind) = ("made up".into(), MigrationType::Simple);
        Migration::new(version, name, kind, sql.into_sql_str(), no_transaction)
    });
    Migrator::with_migrations(numbered.collect())
}

async fn pool() -> PgPool {
    let url = Postgres::start().database().await;
    let options = Options::new("migrations", 20);
    connect(&url, &options).await.unwrap()
}

/// Waits until the index that is being built has been waiting for others for so long.
async fn index_waits<T>(pool: &PgPool, building: &JoinHandle<T>, milliseconds: f64) {
    let waiting = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                   WHERE a.datname = current_database() AND a.query LIKE 'CREATE INDEX%'
                     AND l.waitstart < clock_timestamp() - $1 * interval '1 ms')";
    let waits = async || {
        let waits = sqlx::query_scalar(waiting).bind(milliseconds);
        waits.fetch_one(pool).await.unwrap()
    };
    test_kit::in_time("the index waits for others", async {
        while !waits().await {
            assert!(!building.is_finished(), "it did not wait so long");
        }
    })
    .await;
}

/// Whether each index of the table can be used.
async fn valid(pool: &PgPool) -> Vec<bool> {
    sqlx::query_scalar("SELECT indisvalid FROM pg_index WHERE indrelid = 's.t'::regclass")
        .fetch_all(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_index_is_built_concurrently_while_others_wait_for_their_turn() {
    let pool = pool().await;
    migrate(&pool, "s", &migrations(&[TABLE])).await.unwrap();
    let migrations = migrations(&[TABLE, INDEX]);
    let all = (0..8).map(|_| migrate(&pool, "s", &migrations));
    for one in futures::future::join_all(all).await {
        one.unwrap();
    }
    assert_eq!(valid(&pool).await, [true, true]);
}

#[tokio::test]
async fn an_index_waits_for_a_backup_and_no_other_schema_waits_for_it() {
    let url = Postgres::start().database().await;
    let options = Options::new("migrations", 20).setting("lock_timeout", "200ms");
    let pool = connect(&url, &options).await.unwrap();
    migrate(&pool, "s", &migrations(&[TABLE])).await.unwrap();
    let mut backup = pool.begin().await.unwrap();
    for statement in [
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SELECT * FROM s.t",
    ] {
        sqlx::query(statement).execute(&mut *backup).await.unwrap();
    }
    let migrations_of_s = migrations(&[TABLE, INDEX, "CREATE TABLE s.u (n bigint)"]);
    let begun = pool.clone();
    let begun = tokio::spawn(async move { migrate(&begun, "s", &migrations_of_s).await });
    index_waits(&pool, &begun, 0.0).await;
    let other = migrations(&["CREATE TABLE r.t (n bigint)"]);
    migrate(&pool, "r", &other).await.unwrap();
    index_waits(&pool, &begun, 400.0).await;
    backup.rollback().await.unwrap();
    begun.await.unwrap().unwrap();
    assert_eq!(valid(&pool).await, [true, true]);
}

#[tokio::test]
async fn a_table_that_is_in_use_is_waited_for_no_longer_than_others_can() {
    let url = Postgres::start().database().await;
    let options = Options::new("migrations", 20).setting("lock_timeout", "200ms");
    let pool = connect(&url, &options).await.unwrap();
    migrate(&pool, "s", &migrations(&[TABLE, INDEX]))
        .await
        .unwrap();
    let mut reader = pool.begin().await.unwrap();
    let read = sqlx::query("SELECT * FROM s.t").execute(&mut *reader);
    read.await.unwrap();
    let column = migrations(&[TABLE, INDEX, "ALTER TABLE s.t ADD COLUMN o bigint"]);
    migrate(&pool, "s", &column).await.unwrap_err();
    reader.rollback().await.unwrap();
    migrate(&pool, "s", &column).await.unwrap();
}

#[tokio::test]
async fn an_index_whose_building_was_cut_off_is_built_anew() {
    let pool = pool().await;
    migrate(&pool, "s", &migrations(&[TABLE])).await.unwrap();
    for statement in [
        "CREATE INDEX t_m ON s.t (m)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 's.t_m'::regclass",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    let migrations = migrations(&[TABLE, INDEX]);
    migrate(&pool, "s", &migrations).await.unwrap();
    assert_eq!(valid(&pool).await, [true, true]);
}

#[tokio::test]
async fn a_process_of_the_version_before_starts_on_the_schema_of_this_one() {
    let pool = pool().await;
    let (before, now) = (migrations(&[TABLE]), migrations(&[TABLE, INDEX]));
    migrate(&pool, "s", &now).await.unwrap();
    migrate(&pool, "s", &before).await.unwrap();
}

#[tokio::test]
async fn a_migration_that_was_changed_is_refused() {
    let pool = pool().await;
    migrate(&pool, "s", &migrations(&[TABLE])).await.unwrap();
    let changed = migrations(&["CREATE TABLE s.t (m bigint NOT NULL, n bigint PRIMARY KEY)"]);
    migrate(&pool, "s", &changed).await.unwrap_err();
}
