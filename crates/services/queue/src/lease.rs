//! Handing recipients to delivery workers under leases (I4).
//!
//! ```text
//!          credits            lease                  completed, or to be tried again
//! due ───────────────▶ leased ─────────────────────▶ ended / due later
//!  ▲                      │ stream broken: at once
//!  └──────────────────────┘ lease over: found by the scan, in a higher epoch
//! ```
//! [`Workers`] knows the workers' credits and the leases that they hold. `dispatch` scans for recipients that
//! are due. `stream` serves one worker. A lease is stored in the recipient's row; the state in memory serves
//! only to end leases early.

mod credits;
mod dispatch;
mod handout;
mod stream;
mod workers;

pub(crate) use credits::{Credits, WorkerHold};
pub(crate) use dispatch::dispatch;
pub(crate) use handout::{HandOut, hand_out};
pub(crate) use stream::serve;
pub(crate) use workers::Workers;

use std::time::Duration;

use database::Retry;

use crate::engine::Engine;
use crate::sql;

/// How long the early end of leases is retried while Postgres is away. After that, they expire.
const RELEASE_BUDGET: Duration = Duration::from_secs(15);

/// A recipient and the epoch of its lease.
pub(crate) type Key = (i64, i32);

/// Ends leases early, so that other workers get the recipients.
pub(crate) async fn release(engine: &Engine, keys: &[Key]) {
    if keys.is_empty() {
        return;
    }
    let (ids, epochs): (Vec<i64>, Vec<i32>) = keys.iter().copied().unzip();
    let mut retry = Retry::within(RELEASE_BUDGET);
    while let Err(error) = try_to_release(engine, &ids, &epochs).await {
        if let Err(error) = retry.again(error).await {
            tracing::warn!(%error, "leases not released; they will expire");
            return;
        }
    }
    tracing::info!(recipients = keys.len(), "leases released before their time");
    engine.due.left_now();
}

async fn try_to_release(engine: &Engine, ids: &[i64], epochs: &[i32]) -> Result<(), sqlx::Error> {
    let mut connection = engine.pool.acquire().await?;
    sql::leases::release(&mut connection, ids, epochs, engine.clock.now()).await
}
