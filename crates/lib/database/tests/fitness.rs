//! What a service may believe of the database that it is given.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use database::{Fitness, Look, Options, Unfit, connect, is_transient, pool};
use test_kit::{DurablePostgres, Pooler, Postgres};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Longer than anything takes.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// What is found, each time that it is another.
struct Found {
    fitness: Fitness,
    reports: UnboundedReceiver<Result<(), Unfit>>,
}

impl Found {
    fn at(url: &str, require_fsync: bool) -> Self {
        let (sender, reports) = unbounded_channel();
        let mut last = None;
        let report = move |found: Result<Look, Unfit>| {
            let found = found.map(|look| {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                let now_ms = i64::try_from(now.as_millis()).unwrap();
                // One machine has one clock.
                assert!(look.clock_ahead_of(now_ms).contains(&0), "{look:?}");
                assert!(look.clock_ahead_of(now_ms + 60_000).contains(&-60_000));
            });
            if last.as_ref() != Some(&found) {
                last = Some(found.clone());
                let _ = sender.send(found);
            }
        };
        let options = Options::new("fitness", 1).require_fsync(require_fsync);
        let fitness = Fitness::watch(url, &options, report).unwrap();
        Self { fitness, reports }
    }

    async fn next(&mut self) -> Result<(), Unfit> {
        let next = tokio::time::timeout(TIME_LIMIT, self.reports.recv()).await;
        next.unwrap().unwrap()
    }

    /// The reason of the next finding, which is that nothing may be given to the database.
    async fn unsafe_for(&mut self) -> String {
        match self.next().await {
            Err(Unfit::Unsafe(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }
}

async fn setting(url: &str, name: &str) -> String {
    let pool = connect(url, &Options::new("test", 1)).await.unwrap();
    sqlx::query_scalar("SELECT current_setting($1)")
        .bind(name)
        .fetch_one(&pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_connection_commits_synchronously_behind_a_pooler_that_drops_startup_options() {
    // The server's own default is off.
    let url = Postgres::start().database().await;
    let pooler = Pooler::by_session(&url);
    assert_eq!(setting(pooler.url(), "synchronous_commit").await, "on");
    assert_eq!(setting(pooler.url(), "lock_timeout").await, "10s");
}

#[tokio::test]
async fn a_connection_commits_synchronously_whatever_database_and_role_have_as_default() {
    let url = Postgres::start().database().await;
    let pool = connect(&url, &Options::new("test", 1)).await.unwrap();
    for statement in [
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = local', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('ALTER ROLE postgres IN DATABASE %I SET synchronous_commit = off', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$",
    ] {
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    }
    assert_eq!(setting(&url, "synchronous_commit").await, "on");
    assert_eq!(
        setting(&url, "transaction_isolation").await,
        "read committed"
    );
    let mut found = Found::at(&url, false);
    assert_eq!(found.next().await, Ok(()));
}

#[tokio::test]
async fn a_pooler_by_session_is_fit_and_one_by_transaction_is_told_from_it() {
    let url = Postgres::start().database().await;
    let pooler = Pooler::by_session(&url);
    let mut found = Found::at(pooler.url(), false);
    assert_eq!(found.next().await, Ok(()));
    assert!(!found.fitness.is_unsafe());

    let other = Pooler::by_transaction(&url);
    let mut found = Found::at(other.url(), false);
    let reason = found.unsafe_for().await;
    assert!(reason.contains("pool_mode = session"), "{reason}");
    assert!(found.fitness.is_unsafe());
}

#[tokio::test]
async fn a_pooler_that_begins_to_share_sessions_is_noticed_when_others_come() {
    let url = Postgres::start().database().await;
    let pooler = Pooler::by_session(&url);
    let mut found = Found::at(pooler.url(), false);
    assert_eq!(found.next().await, Ok(()));
    pooler.switch_to_transactions();
    // Somebody takes the session that was ours, as soon as it is free, and keeps it for a transaction.
    let pool = connect(pooler.url(), &Options::new("other", 1))
        .await
        .unwrap();
    let others = tokio::spawn(async move {
        loop {
            let mut transaction = pool.begin().await.unwrap();
            sqlx::raw_sql("SELECT pg_sleep(0.2)")
                .execute(&mut *transaction)
                .await
                .unwrap();
        }
    });
    let reason = found.unsafe_for().await;
    assert!(reason.contains("pool_mode = session"), "{reason}");
    others.abort();
}

#[tokio::test]
async fn a_server_that_does_not_flush_is_fit_only_where_that_is_allowed() {
    let url = Postgres::start().database().await;
    let mut found = Found::at(&url, true);
    let reason = found.unsafe_for().await;
    assert!(reason.contains("fsync is off"), "{reason}");
    let mut found = Found::at(&url, false);
    assert_eq!(found.next().await, Ok(()));
}

#[tokio::test]
async fn a_read_only_database_is_away_until_it_can_be_written() {
    let url = Postgres::start().database().await;
    let pool = connect(&url, &Options::new("test", 1)).await.unwrap();
    let set = async |value: &str| {
        let statement = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {value}', \
             current_database()); END $$"
        );
        let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(statement));
        statement.execute(&pool).await.unwrap();
    };
    set("on").await;
    let mut found = Found::at(&url, false);
    let Err(Unfit::Away(reason)) = found.next().await else {
        panic!("it cannot be written")
    };
    assert!(reason.contains("read-only"), "{reason}");
    assert!(!found.fitness.is_unsafe());
    set("off").await;
    assert_eq!(found.next().await, Ok(()));
}

#[tokio::test]
async fn a_server_that_goes_is_away_and_is_fit_when_it_is_back() {
    let server = DurablePostgres::start();
    let mut found = Found::at(&server.database(), true);
    assert_eq!(found.next().await, Ok(()));
    server.kill();
    assert!(matches!(found.next().await, Err(Unfit::Away(_))));
    server.restart();
    // Why it is away may be told in several ways until it is back.
    let back = async { while found.next().await.is_err() {} };
    test_kit::in_time("the server is found to be back", back).await;
    found.fitness.found().await;
}

/// Without anybody who looks at it: what is known of the server before the failover says nothing.
#[tokio::test]
async fn no_connection_is_used_to_a_server_that_does_not_flush() {
    let server = DurablePostgres::start();
    let url = server.database();
    let pool = pool(&url, &Options::new("test", 2).require_fsync(true)).unwrap();
    let write = async || {
        let statement = "CREATE TABLE IF NOT EXISTS t (n int); INSERT INTO t VALUES (1)";
        // The connections from before the failover fail once.
        let mut written = sqlx::raw_sql(statement).execute(&pool).await;
        for _ in 0..2 {
            if written.is_err() {
                written = sqlx::raw_sql(statement).execute(&pool).await;
            }
        }
        written
    };
    write().await.unwrap();
    server.kill();
    server.restart_without_fsync();
    let refused = write().await.unwrap_err();
    assert!(is_transient(&refused), "{refused}");
    server.kill();
    server.restart();
    write().await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM t")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rows, 2);
}
