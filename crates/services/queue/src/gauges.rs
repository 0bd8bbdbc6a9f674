//! Gauges of the queue's contents. The tables are counted at intervals, never at a scrape.
//!
//! A count reads everything that waits: some tenths of a second for a million recipients. The longer a count
//! takes, the less often it is made; it uses at most a two-hundredth of one connection's time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use database::HeldConnection;
use metrics::gauge;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::sql::gateways;
use crate::sql::listing::{self, Depth};

/// Shortest and longest interval between two counts.
const SHORTEST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Timeout of a count.
const COUNT_TIMEOUT: Duration = Duration::from_secs(60);

/// The interval is at least this many times the duration of the last count.
const REST: u32 = 200;

/// Updates the gauges until shutdown.
pub(crate) async fn keep(engine: Arc<Engine>, shutdown: CancellationToken) {
    let mut connection = HeldConnection::new(engine.pool.clone());
    loop {
        let began = Instant::now();
        match tokio::time::timeout(COUNT_TIMEOUT, count(&engine, &mut connection)).await {
            Ok(Ok((depth, failing))) => show(&engine, &depth, failing),
            Ok(Err(error)) => {
                tracing::debug!(%error, "counting the queue failed");
                connection.discard();
            }
            Err(_) => {
                tracing::debug!("counting the queue took too long");
                connection.discard();
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause(began.elapsed())) => {}
        }
    }
}

/// Counts waiting recipients and failing gateways.
async fn count(
    engine: &Engine,
    connection: &mut HeldConnection,
) -> Result<(Depth, i64), sqlx::Error> {
    let connection = connection.get().await?;
    let depth = listing::depth(connection, engine.clock.now()).await?;
    Ok((depth, gateways::failing(connection).await?))
}

fn show(engine: &Engine, depth: &Depth, failing_gateways: i64) {
    let now = engine.clock.now();
    let age = depth
        .oldest_due
        .map_or(0, |due| now.saturating_sub(due).max(0));
    gauge!("postern_queue_waiting_recipients").set(depth.waiting as f64);
    gauge!("postern_queue_due_recipients").set(depth.due as f64);
    gauge!("postern_queue_oldest_due_seconds").set(age as f64 / 1000.0);
    gauge!("postern_queue_quarantined_messages").set(depth.quarantined as f64);
    gauge!("postern_queue_failing_gateways").set(failing_gateways as f64);
    // Known in memory, independent of the tables.
    gauge!("postern_queue_leased_recipients").set(engine.workers.held(now) as f64);
    gauge!("postern_queue_workers").set(engine.workers.count() as f64);
}

fn pause(took: Duration) -> Duration {
    took.saturating_mul(REST).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
    use super::*;
    use crate::sql::model_tests::columns;
    use crate::sql::{days, enqueue, quarantine, recipient_id};

    #[tokio::test]
    async fn what_waits_is_counted() {
        let url = test_kit::Postgres::start().database().await;
        let options = database::Options::new("gauges", 2);
        let pool = database::connect(&url, &options).await.unwrap();
        volume::migrate(&pool).await.unwrap();
        let migrated = database::migrate(&pool, "queue", &crate::MIGRATIONS);
        migrated.await.unwrap();
        let mut connection = pool.acquire().await.unwrap();
        let kept = days::Kept::History;
        let made = days::maintain(&mut connection, kept, 0, 1, 0);
        made.await.unwrap();
        let nothing = listing::depth(&mut connection, 1_000).await.unwrap();
        assert_eq!((nothing.waiting, nothing.oldest_due), (0, None));

        // Due for long although it has just come (urgent mail); held; leased.
        let mut message = columns(1, 3);
        for (n, (due_at, worker)) in [(500, ""), (9_000, ""), (9_000, "worker")]
            .iter()
            .enumerate()
        {
            let rows = &mut message.recipient;
            rows.id.push(recipient_id(1, n));
            rows.address.push("bob@example.test");
            rows.original_recipient.push("");
            rows.notify.push(0);
            rows.epoch.push(0);
            rows.due_at.push(*due_at);
            rows.worker.push(worker);
        }
        let inserted = enqueue::insert(&mut connection, &message, 900);
        inserted.await.unwrap();
        let mut suspicious = columns(2, 1);
        let rows = &mut suspicious.recipient;
        rows.id.push(recipient_id(2, 0));
        rows.address.push("bob@example.test");
        rows.original_recipient.push("");
        rows.notify.push(0);
        rows.epoch.push(0);
        rows.due_at.push(0);
        rows.worker.push("");
        let inserted = enqueue::insert(&mut connection, &suspicious, 900);
        inserted.await.unwrap();
        let held = quarantine::Columns {
            message_id: vec![2],
            reason: vec!["because"],
            until: vec![950],
            hold_until: vec![0],
        };
        let held = quarantine::hold(&mut connection, &held, 900);
        held.await.unwrap();
        let expected = Depth {
            waiting: 4,
            due: 1,
            oldest_due: Some(900),
            quarantined: 1,
        };
        let depth = listing::depth(&mut connection, 1_000).await;
        assert_eq!(depth.unwrap(), expected);
    }

    #[test]
    fn a_count_that_takes_long_is_taken_seldom() {
        let rows = [(0, 10_000), (49, 10_000), (400, 80_000), (60_000, 900_000)];
        for (took, expected) in rows {
            let pause = pause(Duration::from_millis(took));
            assert_eq!(pause, Duration::from_millis(expected), "{took} ms");
        }
    }
}
