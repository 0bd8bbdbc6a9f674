//! The writer: records the outcomes that have arrived, in groups.
//!
//! Recording may be repeated. If an attempt was committed before its connection broke, its leases are stale
//! at the next attempt and its derived messages are not made again. The worker is then told that its leases
//! are over, which is true.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::queue::v1::{Completed, LeaseKey, Outcome};
use database::{HeldConnection, Retry};
use tokio::sync::mpsc;

use super::derived;
use super::job::Job;
use crate::answers;
use crate::engine::Engine;
use crate::error::Result;
use crate::gateways::{self, Attempt};
use crate::group_commit::{Inbox, Writer};
use crate::lease::Key;
use crate::sql;
use crate::sql::complete::Columns;

/// Maximum number of requests, and approximate number of outcomes, in one transaction.
const BATCH_REQUESTS: usize = 256;
const BATCH_OUTCOMES: usize = 1000;

/// How long a batch is retried while Postgres is away. After that, the workers get an error.
const RETRY_BUDGET: Duration = Duration::from_secs(5);

/// The writer's inbox, and its sender.
pub(crate) fn inbox() -> (mpsc::Sender<Job>, Inbox<Job>) {
    let (sender, inbox) = Inbox::new(BATCH_REQUESTS, BATCH_OUTCOMES);
    (sender, inbox.lingering())
}

/// Records batches until all senders are gone.
pub(crate) async fn write(engine: Arc<Engine>, mut inbox: Writer<Job>) {
    let mut connection = HeldConnection::new(engine.pool.clone());
    while let Some(jobs) = inbox.next_batch().await {
        record(&engine, &mut connection, jobs).await;
    }
}

/// Records a batch and answers each request. If Postgres rejects the whole batch permanently, each request is
/// tried alone.
async fn record(engine: &Arc<Engine>, connection: &mut HeldConnection, mut jobs: Vec<Job>) {
    let now = engine.clock.now();
    let mut retry = Retry::within(RETRY_BUDGET);
    let result = loop {
        match database::bounded(attempt(engine, connection, &jobs, now)).await {
            Ok(taken) => break taken,
            Err(error) => {
                // The connection may still be within a transaction, whatever the error was.
                connection.discard();
                if let Err(error) = retry.again(error).await {
                    break Err(error.into());
                }
            }
        }
    };
    match result {
        Ok(taken) => {
            let of_job = |job: &mut Job| std::mem::take(&mut job.outcomes.gateways);
            let attempts: Vec<Attempt> = jobs.iter_mut().flat_map(of_job).collect();
            answer_all(engine, jobs, taken);
            // Nobody waits for it.
            gateways::note(connection, &attempts).await;
        }
        Err(error) if jobs.len() > 1 && !error.is_transient() => {
            for job in jobs {
                Box::pin(record(engine, connection, vec![job])).await;
            }
        }
        Err(error) => answers::refuse(jobs.into_iter().map(|job| job.slot), error),
    }
}

/// One attempt at a batch. Returns the leases whose outcomes were recorded, or why none can be.
async fn attempt(
    engine: &Arc<Engine>,
    connection: &mut HeldConnection,
    jobs: &[Job],
    now: i64,
) -> Result<Result<HashSet<Key>>, sqlx::Error> {
    let connection = connection.get().await?;
    let columns = columns(jobs);
    if jobs.iter().any(|job| !job.outcomes.derived.is_empty()) {
        return derived::record(engine, connection, jobs, &columns, now).await;
    }
    let completed = sql::complete::complete(connection, &columns, now).await?;
    if !completed.ended.is_empty() {
        // Outside the transaction above. If this is interrupted, `upkeep` removes the messages later.
        sql::complete::remove_ended(connection, &completed.ended, now).await?;
    }
    Ok(Ok(completed.taken.into_iter().collect()))
}

/// All outcomes of the batch. A second outcome of the same lease is stale and left out.
fn columns(jobs: &[Job]) -> Columns<'_> {
    let mut columns = Columns::default();
    let mut seen = HashSet::new();
    for outcome in jobs.iter().flat_map(|job| &job.outcomes.outcomes) {
        if !seen.insert((outcome.id, outcome.epoch)) {
            continue;
        }
        columns.id.push(outcome.id);
        columns.epoch.push(outcome.epoch);
        columns.outcome.push(outcome.outcome as i16);
        columns.reason.push(&outcome.reason);
        columns.server.push(&outcome.server);
        columns.reply.push(&outcome.reply);
        columns.policy_revision.push(outcome.policy_revision);
        columns.retry_at.push(outcome.retry_at);
        columns.delay_notified.push(outcome.delay_notified);
    }
    columns
}

fn answer_all(engine: &Engine, jobs: Vec<Job>, mut taken: HashSet<Key>) {
    let keys: Vec<Key> = taken.iter().copied().collect();
    engine.workers.ended(&keys);
    for job in jobs {
        let mut stale = Vec::new();
        let mut completed = 0;
        for outcome in &job.outcomes.outcomes {
            // Removed from the set, so that a second outcome of the same lease is stale.
            if !taken.remove(&(outcome.id, outcome.epoch)) {
                stale.push(LeaseKey {
                    recipient_id: outcome.id,
                    epoch: outcome.epoch as u32,
                });
            } else if outcome.outcome == Outcome::Retry {
                engine.due.at(outcome.retry_at);
            } else {
                completed += 1;
            }
        }
        engine.completed.fetch_add(completed, Ordering::Relaxed);
        metrics::counter!("postern_queue_completed_total").increment(completed);
        metrics::counter!("postern_queue_stale_total").increment(stale.len() as u64);
        job.slot.answer(Ok(Completed { stale }));
    }
}
