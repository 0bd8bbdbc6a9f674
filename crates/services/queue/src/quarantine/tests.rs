#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::{AtomicI64, Ordering};

use futures::future::join_all;
use sqlx::PgPool;
use test_kit::Postgres;

use super::*;
use crate::clock::Clock;
use crate::sql::leases::Turn;
use crate::sql::model_tests::columns;
use crate::sql::{self as statements, enqueue, leases, recipient_id};

const DAY_MS: i64 = 86_400_000;

/// A queue's database and clock, without the service.
struct Bench {
    engine: Arc<Engine>,
    now: Arc<AtomicI64>,
}

impl Bench {
    async fn start() -> Self {
        let url = Postgres::start().database().await;
        let options = database::Options::new("quarantine", 6);
        let pool = database::connect(&url, &options).await.unwrap();
        volume::migrate(&pool).await.unwrap();
        database::migrate(&pool, "queue", &crate::MIGRATIONS)
            .await
            .unwrap();
        let mut connection = pool.acquire().await.unwrap();
        let kept = statements::days::Kept::History;
        statements::days::maintain(&mut connection, kept, 0, 60, 0)
            .await
            .unwrap();
        drop(connection);
        let now = Arc::new(AtomicI64::new(1_000));
        let clock = Arc::clone(&now);
        let clock = Clock::new(move || clock.load(Ordering::SeqCst));
        Self {
            engine: Arc::new(Engine::new(pool, clock, 20)),
            now,
        }
    }

    fn pool(&self) -> &PgPool {
        &self.engine.pool
    }

    /// Puts a message with two recipients into quarantine for some days.
    async fn hold(&self, id: i64, days: i64) {
        let now = self.engine.clock.now();
        let mut columns = columns(id, 2);
        for n in 0..2 {
            let rows = &mut columns.recipient;
            rows.id.push(recipient_id(id, n));
            rows.address.push("bob@example.test");
            rows.original_recipient.push("");
            rows.notify.push(0);
            rows.epoch.push(0);
            rows.due_at.push(now);
            rows.worker.push("");
        }
        let held = sql::Columns {
            message_id: vec![id],
            reason: vec!["because"],
            until: vec![now + days * DAY_MS],
            hold_until: vec![0],
        };
        let mut transaction = self.pool().begin().await.unwrap();
        enqueue::insert(&mut transaction, &columns, now)
            .await
            .unwrap();
        sql::hold(&mut transaction, &held, now).await.unwrap();
        transaction.commit().await.unwrap();
    }

    fn pass(&self, days: i64) {
        self.now.fetch_add(days * DAY_MS, Ordering::SeqCst);
    }

    async fn messages(&self) -> Vec<i64> {
        sqlx::query_scalar("SELECT id FROM queue.message ORDER BY 1")
            .fetch_all(self.pool())
            .await
            .unwrap()
    }

    /// The outcomes in a message's history, with their reasons.
    async fn history(&self, id: i64) -> Vec<(i16, String)> {
        let mut connection = self.pool().acquire().await.unwrap();
        statements::history::of_message(&mut connection, id, 100)
            .await
            .unwrap()
            .into_iter()
            .map(|event| (event.outcome, event.reason))
            .collect()
    }
}

#[tokio::test]
async fn i2_what_nobody_decides_about_is_removed_when_its_time_ends() {
    let bench = Bench::start().await;
    bench.hold(1, 30).await;
    bench.hold(2, 31).await;
    bench.pass(29);
    remove_overdue(&bench.engine).await.unwrap();
    assert_eq!(bench.messages().await, [1, 2]);
    bench.pass(1);
    remove_overdue(&bench.engine).await.unwrap();
    assert_eq!(bench.messages().await, [2]);
    let history = bench.history(1).await;
    let ended = (5, "kept 30 d in quarantine, nobody released it".to_owned());
    assert_eq!(history[2..], [ended.clone(), ended]);
    // No notice was enqueued.
    bench.pass(1);
    remove_overdue(&bench.engine).await.unwrap();
    assert_eq!(bench.messages().await, [0; 0]);
}

#[tokio::test]
async fn no_change_of_due_times_lets_it_go() {
    let bench = Bench::start().await;
    bench.hold(1, 30).await;
    sqlx::query("UPDATE queue.recipient SET due_at = 0")
        .execute(bench.pool())
        .await
        .unwrap();
    let mut connection = bench.pool().acquire().await.unwrap();
    for turn in [Turn::First, Turn::Again] {
        let leased = leases::lease(&mut connection, turn, "worker", 10, i64::MAX, i64::MAX);
        assert!(leased.await.unwrap().is_empty());
    }
    let next = leases::next_due(&mut connection).await.unwrap();
    assert_eq!(next, None, "the scan need not wake for it");
}

/// Releases, removals and the upkeep of several replicas run at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_a_release_and_the_end_of_its_time_exclude_each_other() {
    let bench = Bench::start().await;
    for id in 1..=20 {
        bench.hold(id, 1).await;
    }
    bench.pass(2);
    let upkeep = join_all((0..3).map(|_| remove_overdue(&bench.engine)));
    let decisions = join_all((1..=20).rev().map(async |id| {
        let mut connection = bench.pool().acquire().await.unwrap();
        let now = bench.engine.clock.now();
        if id % 2 == 0 {
            let released = sql::release(&mut connection, id, "by root", now).await;
            (id, released.unwrap())
        } else {
            let removed = sql::remove(&mut connection, id, "by root", now).await;
            (id, removed.unwrap())
        }
    }));
    let (upkeep, decisions) = tokio::join!(upkeep, decisions);
    assert!(upkeep.iter().all(Result::is_ok), "{upkeep:?}");
    let mut staying = Vec::new();
    for (id, decided) in decisions {
        let history = bench.history(id).await;
        let count = |outcome| {
            history
                .iter()
                .filter(|(found, _)| *found == outcome)
                .count()
        };
        let released = decided.is_some() && id % 2 == 0;
        assert_eq!(count(7), 2);
        assert_eq!(count(8), if released { 2 } else { 0 }, "{id}: {history:?}");
        assert_eq!(count(5), if released { 0 } else { 2 }, "{id}: {history:?}");
        if released {
            staying.push(id);
        }
    }
    staying.sort_unstable();
    assert_eq!(bench.messages().await, staying);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM queue.quarantine")
        .fetch_one(bench.pool())
        .await
        .unwrap();
    assert_eq!(left, 0);
}
