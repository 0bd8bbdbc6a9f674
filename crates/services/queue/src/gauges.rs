//! What is shown of the queue while it stands: counts of the tables, taken now and then, never at a scrape.
//!
//! A count reads all that waits: with a million recipients some tenths of a second. So the longer it takes the
//! more seldom it is taken, and it has a two-hundredth of one connection's time at most.

use std::sync::Arc;
use std::time::{Duration, Instant};

use database::HeldConnection;
use metrics::gauge;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::sql::gateways;
use crate::sql::listing::{self, Depth};

/// Between two counts, however quick they are, and however slow.
const SHORTEST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// How long a count may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A count is not taken again before so many times what the last one took.
const REST: u32 = 200;

/// Keeps the gauges up to date until shutdown.
pub(crate) async fn keep(engine: Arc<Engine>, shutdown: CancellationToken) {
    let mut connection = HeldConnection::new(engine.pool.clone());
    loop {
        let began = Instant::now();
        match tokio::time::timeout(PATIENCE, count(&engine, &mut connection)).await {
            Ok(Ok((depth, failing))) => show(&engine, &depth, failing),
            Ok(Err(error)) => {
                tracing::debug!(%error, "what waits was not counted");
                connection.discard();
            }
            Err(_) => {
                tracing::debug!("what waits was not counted in time");
                connection.discard();
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause(began.elapsed())) => {}
        }
    }
}

/// What waits, and how many gateways fail.
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
    // Known here, whatever the tables say.
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

        // Due for long although it came just now, which is what urgent mail is; held; leased.
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
