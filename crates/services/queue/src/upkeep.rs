//! Work done each minute: partitions by day, garbage, leftovers of a crash.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::engine::Engine;
use crate::gateways;
use crate::policy::Policies;
use crate::quarantine;
use crate::sql;
use crate::sql::days::Kept;

const PERIOD: Duration = Duration::from_secs(60);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Number of partitions ahead, today included. An upkeep that fails for a day therefore does not stop the
/// queue.
const DAYS_AHEAD: i32 = 4;

/// Numbers of days to keep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeepDays {
    history: u32,
    refusals: u32,
}

impl KeepDays {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            history: config.history_days,
            refusals: config.refusal_days,
        }
    }
}

/// Runs upkeep until shutdown.
pub(crate) async fn keep_up(
    engine: Arc<Engine>,
    policies: Arc<Policies>,
    keep: KeepDays,
    shutdown: CancellationToken,
) {
    let mut named = gateways::Named::default();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        if let Err(error) = round(&engine, &policies, &mut named, keep).await {
            tracing::warn!(%error, "upkeep failed; it is tried again in a minute");
        }
    }
}

/// One round.
async fn round(
    engine: &Engine,
    policies: &Policies,
    named: &mut gateways::Named,
    keep: KeepDays,
) -> Result<(), sqlx::Error> {
    let now = engine.clock.now();
    maintain_days(engine, keep).await?;
    let mut connection = engine.pool.acquire().await?;
    let ended = sql::complete::find_ended(&mut connection).await?;
    if !ended.is_empty() {
        sql::complete::remove_ended(&mut connection, &ended, now).await?;
    }
    sql::throttle::forget(&mut connection, now, now * 1000).await?;
    drop(connection);
    gateways::forget_removed(engine, policies, named).await?;
    quarantine::remove_overdue(engine).await?;
    let swept = volume::garbage::sweep(&engine.pool, now).await?;
    if !swept.is_nothing() {
        tracing::debug!(
            removed = swept.removed,
            referenced = swept.referenced,
            postponed = swept.postponed,
            "garbage swept"
        );
    }
    engine.workers.forget_expired(now);
    Ok(())
}

/// Creates partitions ahead and drops old ones. Must have run once before anything is completed.
pub(crate) async fn maintain_days(engine: &Engine, keep: KeepDays) -> Result<(), sqlx::Error> {
    let now = engine.clock.now();
    // Refusals from before midnight are reported after it.
    let tables = [
        (Kept::History, now, keep.history),
        (Kept::Derivations, now, keep.history),
        (Kept::Refusals, now - DAY_MS, keep.refusals),
    ];
    let mut connection = engine.pool.acquire().await?;
    for (kept, first, days) in tables {
        let keep_from = now - i64::from(days.max(1)) * DAY_MS;
        let ahead = DAYS_AHEAD + i32::from(first < now);
        sql::days::maintain(&mut connection, kept, first, ahead, keep_from).await?;
    }
    Ok(())
}
