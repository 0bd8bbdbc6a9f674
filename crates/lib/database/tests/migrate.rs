//! Migrations of several processes, of several versions.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use database::{Options, Rewritten, accept_rewritten, connect, migrate};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr as _};
use test_kit::Postgres;

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
async fn a_migration_that_was_changed_is_refused_unless_it_is_known_to_be_the_same() {
    let pool = pool().await;
    let before = migrations(&[TABLE]);
    let checksum = before.migrations[0].checksum.iter();
    let former: String = checksum.map(|octet| format!("{octet:02x}")).collect();
    let rewritten = Rewritten {
        version: 1,
        former: former.leak(),
    };
    let after = migrations(&["CREATE TABLE s.t (m bigint NOT NULL, n bigint PRIMARY KEY)"]);
    // Where nothing was applied there is nothing to accept.
    let accept = async |one| accept_rewritten(&pool, "s", &after, one).await.unwrap();
    accept(rewritten).await;
    migrate(&pool, "s", &before).await.unwrap();
    migrate(&pool, "s", &after).await.unwrap_err();
    accept(Rewritten {
        former: "00",
        ..rewritten
    })
    .await;
    migrate(&pool, "s", &after).await.unwrap_err();
    accept(rewritten).await;
    migrate(&pool, "s", &after).await.unwrap();
}
