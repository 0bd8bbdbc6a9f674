//! A task with one connection to one destination.

#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::open::{COMMAND, Open, Unopened, open};
use super::openings::History;
use super::table::Next;
use super::{Job, Remote, Target};
use crate::remote::transaction::{self, Ran};

/// How long a connection is kept for the next message.
const IDLE: Duration = Duration::from_secs(5);
/// Messages on one connection: some servers close it then, and none should be held for ever.
const MAX_MESSAGES: u32 = 200;

/// Starts a lane.
pub(super) fn start(remote: Arc<Remote>, target: Target) {
    // Boxed, since a lane may start another: the type of one would contain itself.
    let lane: BoxFuture<'static, ()> = Box::pin(async move {
        // A panic costs the job at hand (see `Guard`) and the connection, not what waits.
        while AssertUnwindSafe(run(&remote, &target))
            .catch_unwind()
            .await
            .is_err()
        {}
    });
    tokio::spawn(lane);
}

/// Serves the destination until there is nothing left to do.
async fn run(remote: &Arc<Remote>, target: &Target) {
    let mut connection: Option<Box<Open>> = None;
    let mut idle = false;
    loop {
        match remote.table.next(target, connection.is_some() && !idle) {
            Next::Job(job) => {
                idle = false;
                let _guard = remote.setup.held.guard(&job.recipients);
                if let Some(job) = remote.begin(job) {
                    connection = serve(remote, target, connection.take(), job).await;
                }
            }
            Next::Wait(wake) => {
                tokio::select! {
                    () = wake.notified() => {}
                    () = tokio::time::sleep(IDLE) => idle = true,
                    () = remote.stopping.cancelled() => idle = true,
                }
                remote.table.waited(target);
            }
            Next::End => break,
        }
    }
    if let Some(connection) = connection {
        connection.quit().await;
    }
}

/// Runs a job, on the connection at hand or on a new one; gives the connection back when it is
/// good for another.
async fn serve(
    remote: &Arc<Remote>,
    target: &Target,
    connection: Option<Box<Open>>,
    mut job: Job,
) -> Option<Box<Open>> {
    if let Some(connection) = connection {
        match transact(remote, target, connection, job).await {
            Ran::Done(connection) => return reusable(connection).await,
            // A kept connection that the server has closed meanwhile: not the message's fault.
            Ran::Stale(same) => job = same,
        }
    }
    let fresh = match open(remote, target, remote.asked(&job)).await {
        Ok(fresh) => fresh,
        Err(unopened) => {
            unreachable(remote, target, job, unopened);
            return None;
        }
    };
    // It takes its time to open a connection.
    let Some(job) = remote.begin(job) else {
        return Some(fresh);
    };
    match transact(remote, target, fresh, job).await {
        Ran::Done(connection) => reusable(connection).await,
        Ran::Stale(job) => {
            // `run` calls no connection stale that has just been opened.
            remote.leave(&job);
            None
        }
    }
}

/// A transaction, and what it tells of the destination.
async fn transact(remote: &Arc<Remote>, target: &Target, open: Box<Open>, job: Job) -> Ran {
    let began = Instant::now();
    let ran = transaction::run(remote, target, open, job).await;
    match &ran {
        Ran::Done(Some(_)) => {
            remote.openings.note(target, History::Good);
            for _ in 0..remote.table.grow(target) {
                start(Arc::clone(remote), target.clone());
            }
        }
        // No single answer is waited for so long in vain, unless the server has fallen silent.
        Ran::Done(None) if began.elapsed() >= COMMAND => {
            remote.openings.note(target, History::Silent);
        }
        Ran::Done(None) | Ran::Stale(_) => {}
    }
    ran
}

async fn reusable(connection: Option<Box<Open>>) -> Option<Box<Open>> {
    let connection = connection?;
    if connection.messages < MAX_MESSAGES {
        return Some(connection);
    }
    connection.quit().await;
    None
}

fn unreachable(remote: &Remote, target: &Target, job: Job, unopened: Unopened) {
    let failure = unopened.0;
    tracing::info!(%target, status = %failure.status, reason = failure.reason, "no connection");
    if failure.permanent {
        // It says something of the address, and is found out anew by each message.
        return remote.fail(job, &failure);
    }
    let waiting = remote
        .table
        .unreachable(target, remote.openings.history(target), &failure);
    let recipients = waiting.iter().flat_map(|job| &job.recipients);
    let _guard = remote.setup.held.guard(recipients);
    for waiting in waiting {
        remote.fail(waiting, &failure);
    }
    remote.fail(job, &failure);
}
