//! The writer: commits the submissions that have arrived, in groups.

use std::sync::Arc;
use std::time::Duration;

use api::queue::v1::EnqueueResponse;
use database::{HeldConnection, Retry};
use tokio::sync::mpsc;

use super::batch::Batch;
use super::entry::Entry;
use crate::answers::{self, Slot};
use crate::engine::Engine;
use crate::error::Error;
use crate::group_commit::{Inbox, Weighed, Writer};
use crate::submission::Prepared;

/// Maximum number of messages in one transaction. Postgres is fast from 16 to 64 on; more costs nothing.
const BATCH_MESSAGES: usize = 256;
const BATCH_OCTETS: usize = 4 * 1024 * 1024;

/// How long a batch is retried while Postgres is away. After that, its submitters get an error.
const RETRY_BUDGET: Duration = Duration::from_secs(5);

/// A submission that waits to be committed.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) submission: Prepared,
    pub(crate) slot: Slot<EnqueueResponse>,
}

impl Weighed for Job {
    fn weight(&self) -> usize {
        self.submission.weight()
    }
}

/// The writers' inbox, and its sender.
pub(crate) fn inbox() -> (mpsc::Sender<Job>, Inbox<Job>) {
    Inbox::new(BATCH_MESSAGES, BATCH_OCTETS)
}

/// Commits batches until all senders are gone. Several writers may run side by side.
pub(crate) async fn write(engine: Arc<Engine>, mut inbox: Writer<Job>) {
    let mut connection = HeldConnection::new(engine.pool.clone());
    while let Some(jobs) = inbox.next_batch().await {
        metrics::histogram!("postern_queue_enqueue_batch").record(jobs.len() as f64);
        match entries(&engine, jobs).await {
            Ok(entries) => commit(&engine, &mut connection, entries).await,
            Err((jobs, error)) => answers::refuse(jobs.into_iter().map(|job| job.slot), error),
        }
    }
}

/// Assigns ids to the submissions.
async fn entries(engine: &Engine, jobs: Vec<Job>) -> Result<Vec<Entry>, (Vec<Job>, Error)> {
    if engine.fitness.is_unsafe() {
        // A commit would succeed but might not be durable (I1).
        let error = Error::Unavailable("the queue's database does not keep what it commits");
        return Err((jobs, error));
    }
    // Retried like the commit: the pool may still hold connections to a Postgres that has been restarted.
    let mut retry = Retry::within(RETRY_BUDGET);
    let ids = loop {
        match database::bounded(engine.ids.take_many(&engine.pool, jobs.len())).await {
            Ok(ids) => break ids,
            Err(error) => {
                if let Err(error) = retry.again(error).await {
                    return Err((jobs, error.into()));
                }
            }
        }
    };
    let entries = ids.into_iter().zip(jobs);
    Ok(entries
        .map(|(id, job)| Entry::submitted(id, job.submission, job.slot))
        .collect())
}

/// Commits entries and answers each. If Postgres rejects the whole batch permanently because of one entry,
/// its halves are tried separately: one message must not keep others from being accepted.
async fn commit(engine: &Arc<Engine>, connection: &mut HeldConnection, entries: Vec<Entry>) {
    let mut batch = Batch::of(engine, entries, engine.clock.now());
    match try_to_commit(&mut batch, connection).await {
        Ok(()) => {
            let mut committed = batch.committed();
            committed.answer();
            // Submitters first: their answers are sent while the rest is done.
            tokio::task::yield_now().await;
            committed.hand_out();
        }
        Err(error) if batch.len() > 1 && !database::is_transient(&error) => {
            for half in batch.halves() {
                Box::pin(commit(engine, connection, half)).await;
            }
        }
        Err(error) => batch.refuse(error.into()),
    }
}

/// Retries until the batch is committed, rejected permanently, or Postgres has been away for too long.
async fn try_to_commit(
    batch: &mut Batch<'_>,
    connection: &mut HeldConnection,
) -> Result<(), sqlx::Error> {
    let mut retry = Retry::within(RETRY_BUDGET);
    let mut overtaken = false;
    while let Err(error) = database::bounded(attempt(batch, connection)).await {
        // The connection may still be within a transaction, whatever the error was.
        connection.discard();
        if batch.is_repeated() && !overtaken && database::is_unique_violation(&error) {
            // The attempt before was still running when this one checked, and is committed by now.
            overtaken = true;
        } else {
            retry.again(error).await?;
        }
    }
    Ok(())
}

async fn attempt(
    batch: &mut Batch<'_>,
    connection: &mut HeldConnection,
) -> Result<(), sqlx::Error> {
    batch.attempt(connection.get().await?).await
}
