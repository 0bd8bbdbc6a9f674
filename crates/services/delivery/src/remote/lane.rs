//! A lane: a task with one connection to one destination.

#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::job::Job;
use super::open::{COMMAND, Open, open};
use super::openings::History;
use super::state::Remote;
use super::table::{Admission, Next, Refused};
use super::target::Target;
use super::transaction::{self, JobResult};
use super::{ending, gateway};
use crate::fate::Failure;
use crate::leases::Lease;

/// How long an idle connection is kept for the next message.
const IDLE: Duration = Duration::from_secs(5);
/// Messages on one connection: some servers close it after a number, and no connection should last for ever.
const MAX_MESSAGES: u32 = 200;

/// Queues a job for its destination, and starts another lane if one is needed.
pub(super) fn deliver(remote: &Arc<Remote>, target: &Target, job: Job) {
    let target = &match job.work.message.require_tls {
        true => target.secured(),
        false => target.clone(),
    };
    if let Some(asked) = remote.retry_asked_at(&job) {
        // The administrator or the client knows better than what was learnt before.
        remote.openings.forget_silence(target, asked);
        remote.table.forget_unreachable(target, asked);
    }
    for job in job.split() {
        let history = remote.openings.history(target);
        match remote.table.add(target, history, job) {
            Admission::Queued => {}
            Admission::NewLane => start(Arc::clone(remote), target.clone()),
            Admission::Unreachable(job, failure) => remote.fail(job, &failure),
            Admission::Stopped(job) => Lease::give_back(job.leases),
        }
    }
}

/// Starts a lane.
fn start(remote: Arc<Remote>, target: Target) {
    // Boxed, since a lane may start another: otherwise its type would contain itself.
    let lane: BoxFuture<'static, ()> = Box::pin(async move {
        // A panic costs the current job, whose leases expire, and the connection, but not the waiting jobs.
        while AssertUnwindSafe(run(&remote, &target))
            .catch_unwind()
            .await
            .is_err()
        {}
    });
    tokio::spawn(lane);
}

/// Serves the destination until nothing is left to do.
async fn run(remote: &Arc<Remote>, target: &Target) {
    let mut connection: Option<Box<Open>> = None;
    let mut idle = false;
    loop {
        match remote.table.next(target, connection.is_some() && !idle) {
            Next::Job(job) => {
                idle = false;
                if let Some(job) = remote.begin(job) {
                    match serve(remote, target, connection.take(), job).await {
                        LaneResult::GoesOn(kept) => connection = kept,
                        LaneResult::HandedOver => {
                            metrics::counter!("postern_delivery_lanes_refused_total").increment(1);
                            return;
                        }
                    }
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

/// What a lane does after a job.
enum LaneResult {
    /// It continues, with its connection if that is usable for another job.
    GoesOn(Option<Box<Open>>),
    /// It ends: the destination refuses this connection beside the others, which have the job.
    HandedOver,
}

/// Runs a job, on the current connection or a new one, with one server after another as needed. Returns the
/// connection if it is usable for another job.
async fn serve(
    remote: &Arc<Remote>,
    target: &Target,
    mut connection: Option<Box<Open>>,
    mut job: Job,
) -> LaneResult {
    loop {
        let open = match connection.take() {
            Some(open) => open,
            None => match connect(remote, target, job).await {
                Connect::Open(open, begun) => {
                    job = begun;
                    open
                }
                Connect::Again(same) => {
                    job = same;
                    continue;
                }
                Connect::Ended(served) => return served,
            },
        };
        match transact(remote, target, open, job).await {
            // The server has closed the kept connection meanwhile: the message is not at fault.
            JobResult::Stale(same) => job = same,
            JobResult::Refused(same) => match remote.table.hand_over(target, same) {
                None => return LaneResult::HandedOver,
                Some(same) => job = same,
            },
            JobResult::Ended(connection, None) => {
                return LaneResult::GoesOn(reusable(connection).await);
            }
            JobResult::Ended(before, Some(left)) => {
                // The connection's permit is needed for the next server.
                if let Some(before) = before {
                    before.quit().await;
                }
                job = left;
            }
        }
    }
}

/// The result of opening a connection for a job.
enum Connect {
    Open(Box<Open>, Job),
    /// No connection yet: try again.
    Again(Job),
    /// The lane is done with the job.
    Ended(LaneResult),
}

/// Opens a connection to the first server that has not been tried for the job.
async fn connect(remote: &Arc<Remote>, target: &Target, mut job: Job) -> Connect {
    let first = job.trail.is_fresh();
    let wished = remote.retry_asked_at(&job);
    match open(remote, target, &mut job.trail, wished).await {
        // Opening a connection takes time; leases may be void by now.
        Ok(open) => match remote.begin(job) {
            Some(job) => Connect::Open(open, job),
            None => Connect::Ended(LaneResult::GoesOn(Some(open))),
        },
        Err(failure) if first => refused(remote, target, job, failure).await,
        Err(_) => {
            ending::conclude(remote, job);
            Connect::Ended(LaneResult::GoesOn(None))
        }
    }
}

/// Runs a transaction, and records what it shows about the destination.
async fn transact(remote: &Arc<Remote>, target: &Target, open: Box<Open>, job: Job) -> JobResult {
    let began = Instant::now();
    let (ran, again) = transaction::run(remote, target, open, job).await;
    if let Some(again) = again {
        deliver(remote, target, again);
    }
    match &ran {
        JobResult::Ended(Some(_), _) => {
            remote.openings.note(target, History::Good);
            for _ in 0..remote.table.grow(target) {
                start(Arc::clone(remote), target.clone());
            }
        }
        // No single answer takes this long unless the server has fallen silent.
        JobResult::Ended(None, _) if began.elapsed() >= COMMAND => {
            remote.openings.note(target, History::Silent);
        }
        JobResult::Ended(None, _) | JobResult::Stale(_) | JobResult::Refused(_) => {}
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

/// Handles the failure of all servers to open a session.
async fn refused(remote: &Remote, target: &Target, mut job: Job, failure: Failure) -> Connect {
    tracing::info!(%target, status = %failure.status, reason = failure.reason, "no connection");
    if failure.permanent {
        // The failure concerns the address, and each message finds it out again.
        remote.fail(job, &failure);
        return Connect::Ended(LaneResult::GoesOn(None));
    }
    let trail = std::mem::take(&mut job.trail);
    let history = remote.openings.history(target);
    match remote.table.refused(target, history, &failure, job) {
        Refused::LaneEnds => return Connect::Ended(LaneResult::HandedOver),
        Refused::Again(job, pause) => {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = remote.stopping.cancelled() => {}
            }
            if remote.stopping.is_cancelled() {
                Lease::give_back(job.leases);
            } else if let Some(job) = remote.begin(job) {
                return Connect::Again(job);
            }
        }
        Refused::Destination(job, waiting) => {
            if let Some(plan) = trail.plan() {
                gateway::fails(remote, plan, &failure);
            }
            for waiting in waiting {
                remote.fail(waiting, &failure);
            }
            remote.fail(job, &failure);
        }
    }
    Connect::Ended(LaneResult::GoesOn(None))
}
