//! Background work: summaries of older scanners are renewed, and expired rows are removed. All of it stops
//! when the process drains.

mod progress;
mod rescan;

pub use progress::Progress;

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::store::Store;
use crate::{clock, deliver, users};

/// Interval between two removals of expired rows.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// Starts the background work, until shutdown.
pub(crate) fn start(store: Store, shutdown: &CancellationToken) -> Progress {
    let progress = Progress::default();
    let forgetting = forget_old(store.pool().clone());
    let rescanning = rescan::keep(store, progress.clone());
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(forgetting));
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(rescanning));
    progress
}

async fn forget_old(pool: PgPool) {
    let mut ticks = tokio::time::interval(FORGET_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = deliver::forget_old(&pool, clock::now()).await {
            tracing::warn!(%error, "expired deliveries were not removed from the ledger");
        }
        if let Err(error) = users::forget_old_guesses(&pool).await {
            tracing::warn!(%error, "expired counts of wrong logins were not removed");
        }
        if let Err(error) = users::forget_old_peers(&pool).await {
            tracing::warn!(%error, "expired known peers were not removed");
        }
    }
}

#[cfg(test)]
mod tests;
