//! The writer: commits what has arrived, in groups.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::grpc::Status;
use api::queue::v1::EnqueueResponse;
use database::{HeldConnection, Retry};
use sqlx::PgConnection;
use tokio::sync::mpsc;

use super::entry::{Entry, Standing, announce};
use super::insert::insert;
use super::stream::answer;
use crate::answers::Place;
use crate::engine::Engine;
use crate::group_commit::{Inbox, Weighed, Writer};
use crate::lease::Credits;
use crate::submission::Prepared;
use crate::{failure, sql};

/// Messages in one transaction. 16 to 64 is where Postgres is fast (DESIGN §9); more costs nothing.
const BATCH_MESSAGES: usize = 256;
const BATCH_OCTETS: usize = 4 * 1024 * 1024;

/// How long a batch is tried while Postgres is away, before its submitters are told.
const PATIENCE: Duration = Duration::from_secs(5);

/// More than the clocks of two replicas are apart, in milliseconds: by which history is looked for.
const CLOCKS_APART: i64 = 60 * 60 * 1000;

/// A submission that waits to be committed.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) submission: Prepared,
    pub(crate) place: Place<EnqueueResponse>,
}

impl Weighed for Job {
    fn weight(&self) -> usize {
        self.submission.weight()
    }
}

/// The writers' inbox, and the way into it.
pub(crate) fn inbox() -> (mpsc::Sender<Job>, Inbox<Job>) {
    Inbox::new(BATCH_MESSAGES, BATCH_OCTETS)
}

/// Commits batches until nobody can submit any more. Several may run side by side.
pub(crate) async fn write(engine: Arc<Engine>, mut inbox: Writer<Job>) {
    let mut connection = HeldConnection::new(engine.pool.clone());
    while let Some(jobs) = inbox.next_batch().await {
        metrics::histogram!("postern_queue_enqueue_batch").record(jobs.len() as f64);
        write_batch(&engine, &mut connection, jobs).await;
    }
}

async fn write_batch(engine: &Arc<Engine>, connection: &mut HeldConnection, jobs: Vec<Job>) {
    let (submissions, places): (Vec<_>, Vec<_>) = jobs
        .into_iter()
        .map(|job| (job.submission, job.place))
        .unzip();
    if engine.fitness.is_unsafe() {
        // It would be committed, and could be lost all the same (I1).
        let status = Status::unavailable("the queue's database does not keep what it is given");
        return refuse(places, &status);
    }
    // Like the commit: the pool may still hold connections to a Postgres that has been restarted.
    let mut retry = Retry::within(PATIENCE);
    let ids = loop {
        let ids = database::bounded(engine.ids.take_many(&engine.pool, submissions.len()));
        match ids.await {
            Ok(ids) => break ids,
            Err(error) => {
                if let Err(error) = retry.again(error).await {
                    return refuse(places, &failure::of_database(&error));
                }
            }
        }
    };
    let entries = ids
        .into_iter()
        .zip(submissions)
        .map(|(id, submission)| Entry::new(id, submission))
        .collect();
    commit(engine, connection, entries, places).await;
}

/// Commits entries and answers for each. Where Postgres refuses the whole for good, because of
/// one of them, it is tried by halves: one message must not keep others from being accepted.
async fn commit(
    engine: &Arc<Engine>,
    connection: &mut HeldConnection,
    mut entries: Vec<Entry>,
    mut places: Vec<Place<EnqueueResponse>>,
) {
    let mut credits = None;
    let now = engine.clock.now();
    let result = try_to_commit(engine, connection, &mut entries, &mut credits, now).await;
    match result {
        Ok(()) => {
            let accepted = entries.iter().filter(|entry| entry.is_inserted()).count() as u64;
            engine.enqueued.fetch_add(accepted, Ordering::Relaxed);
            metrics::counter!("postern_queue_enqueued_total").increment(accepted);
            for (entry, place) in entries.iter().zip(places) {
                answer(place, entry.answer());
            }
            // Submitters first: their answers are on the way while the rest is done.
            tokio::task::yield_now().await;
            announce(engine, entries, credits, now);
        }
        Err(error) if entries.len() > 1 && !database::is_transient(&error) => {
            drop(credits);
            reset(&mut entries);
            let half = entries.len() / 2;
            let second = (entries.split_off(half), places.split_off(half));
            Box::pin(commit(engine, connection, entries, places)).await;
            Box::pin(commit(engine, connection, second.0, second.1)).await;
        }
        Err(error) => {
            refuse(places, &failure::of_database(&error));
        }
    }
}

/// Tries until it is committed, refused for good, or Postgres has been away for too long.
async fn try_to_commit<'e>(
    engine: &'e Engine,
    connection: &mut HeldConnection,
    entries: &mut [Entry],
    credits: &mut Option<Credits<'e>>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let mut retry = Retry::within(PATIENCE);
    let (mut repeated, mut overtaken) = (false, false);
    while let Err(error) =
        database::bounded(attempt(engine, connection, entries, credits, repeated, now)).await
    {
        // Whatever it was: the connection may be within a transaction.
        connection.discard();
        if repeated && !overtaken && database::is_unique_violation(&error) {
            // The attempt before was still at work when this one looked, and is committed by now.
            overtaken = true;
        } else {
            retry.again(error).await?;
        }
        repeated = true;
    }
    Ok(())
}

async fn attempt<'e>(
    engine: &'e Engine,
    connection: &mut HeldConnection,
    entries: &mut [Entry],
    credits: &mut Option<Credits<'e>>,
    repeated: bool,
    now: i64,
) -> Result<(), sqlx::Error> {
    let connection = connection.get().await?;
    if repeated {
        // The connection may have broken behind the commit.
        if settle(connection, entries, now).await? {
            return Ok(());
        }
    }
    insert(connection, engine, entries, credits, false, now).await?;
    if repeated && entries.iter().any(Entry::has_lost_its_place) {
        // The attempt before was committed while this one waited for its locks.
        settle(connection, entries, now).await?;
    }
    Ok(())
}

/// Whether an earlier attempt at these entries was committed; then they are marked.
async fn settle(
    connection: &mut PgConnection,
    entries: &mut [Entry],
    now: i64,
) -> Result<bool, sqlx::Error> {
    let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    let committed = sql::enqueue::committed(connection, &ids, now - CLOCKS_APART).await?;
    let (mut any, mut all) = (false, true);
    for entry in entries.iter_mut().filter(|entry| entry.attempted) {
        if committed.contains(&entry.id) {
            entry.standing = Standing::Committed;
            any = true;
        } else {
            all = false;
        }
    }
    if any && !all {
        // It cannot be: they were one transaction. Nobody is told 250 for what is not there.
        return Err(sqlx::Error::Protocol(
            "a part of a transaction is committed".to_owned(),
        ));
    }
    Ok(any)
}

/// Nothing was committed: the next attempt decides anew.
fn reset(entries: &mut [Entry]) {
    for entry in entries {
        entry.standing = Standing::Unknown;
        entry.attempted = false;
        entry.holders.clear();
    }
}

fn refuse(places: Vec<Place<EnqueueResponse>>, status: &Status) {
    for place in places {
        answer(place, Err(status.clone()));
    }
}
