//! Handing recipients to delivery workers under leases (I4).
//!
//! ```text
//!           credits            lease                  completed, or to be tried again
//!  due ───────────────▶ leased ─────────────────────▶ ended / due later
//!   ▲                      │ stream broken: at once
//!   └──────────────────────┘ lease over: found by the scan, in a higher epoch
//! ```
//! [`Workers`] knows who may be handed how much and who holds what; `dispatch` scans for what is
//! due; `stream` speaks with one worker. A lease lives in the recipient's row: what is kept here
//! serves only to end leases early.

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

/// How often ending leases is tried while Postgres is away; then they end by themselves.
const RELEASE_PATIENCE: Duration = Duration::from_secs(15);

/// A recipient and the epoch in which it was handed out.
pub(crate) type Key = (i64, i32);

/// Ends leases before their time, and lets others have the recipients.
pub(crate) async fn release(engine: &Engine, keys: &[Key]) {
    if keys.is_empty() {
        return;
    }
    let (ids, epochs): (Vec<i64>, Vec<i32>) = keys.iter().copied().unzip();
    let mut retry = Retry::within(RELEASE_PATIENCE);
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
