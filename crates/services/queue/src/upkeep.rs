//! What is done each minute: history's partitions, garbage, what a crash left.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::sql;

const PERIOD: Duration = Duration::from_secs(60);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Days for which history has partitions, today included: an upkeep that fails for a day does
/// not stop the queue.
const DAYS_AHEAD: i32 = 4;

/// Keeps up until shutdown.
pub(crate) async fn keep_up(engine: Arc<Engine>, history_days: u32, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        if let Err(error) = round(&engine, history_days).await {
            tracing::warn!(%error, "upkeep failed; it is tried again in a minute");
        }
    }
}

/// One round.
pub(crate) async fn round(engine: &Engine, history_days: u32) -> Result<(), sqlx::Error> {
    let now = engine.clock.now();
    maintain_history(engine, history_days).await?;
    let mut connection = engine.pool.acquire().await?;
    let ended = sql::complete::find_ended(&mut connection).await?;
    if !ended.is_empty() {
        sql::complete::remove_ended(&mut connection, &ended, now).await?;
    }
    sql::throttle::forget(&mut connection, now, now * 1000).await?;
    drop(connection);
    let swept = volume::garbage::sweep(&engine.pool, now).await?;
    if swept.removed + swept.kept > 0 {
        tracing::debug!(removed = swept.removed, kept = swept.kept, "garbage swept");
    }
    engine.workers.forget_expired(now);
    Ok(())
}

/// Makes partitions ahead and drops old ones. Must have run once before anything is completed.
pub(crate) async fn maintain_history(
    engine: &Engine,
    history_days: u32,
) -> Result<(), sqlx::Error> {
    let now = engine.clock.now();
    let keep_from = now - i64::from(history_days.max(1)) * DAY_MS;
    let mut connection = engine.pool.acquire().await?;
    sql::history::maintain(&mut connection, now, DAYS_AHEAD, keep_from).await
}
