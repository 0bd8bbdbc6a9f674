//! A task with one connection to one destination.

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
use super::transaction::{self, Ran};
use super::{ending, gateway};
use crate::fate::Failure;
use crate::leases::Lease;

/// How long a connection is kept for the next message.
const IDLE: Duration = Duration::from_secs(5);
/// Messages on one connection: some servers close it then, and none should be held for ever.
const MAX_MESSAGES: u32 = 200;

/// Queues a job for its destination, with a lane more where one is needed.
pub(super) fn deliver(remote: &Arc<Remote>, target: &Target, job: Job) {
    let target = &match job.work.message.require_tls {
        true => target.secured(),
        false => target.clone(),
    };
    if let Some(asked) = remote.asked(&job) {
        // Somebody knows better than we did before.
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
    // Boxed, since a lane may start another: the type of one would contain itself.
    let lane: BoxFuture<'static, ()> = Box::pin(async move {
        // A panic costs the job at hand, whose leases lapse, and the connection, not what waits.
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
                if let Some(job) = remote.begin(job) {
                    match serve(remote, target, connection.take(), job).await {
                        Served::GoesOn(kept) => connection = kept,
                        Served::HandedOver => {
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

/// What a lane does when a job is off its hands.
enum Served {
    /// It goes on, with its connection when that is good for another job.
    GoesOn(Option<Box<Open>>),
    /// It ends: the destination does not want it beside the others, which have the job.
    HandedOver,
}

/// Runs a job, on the connection at hand or on a new one, with one server after another as far as
/// needed; gives the connection back when it is good for another.
async fn serve(
    remote: &Arc<Remote>,
    target: &Target,
    mut connection: Option<Box<Open>>,
    mut job: Job,
) -> Served {
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
            // A kept connection that the server has closed meanwhile: not the message's fault.
            Ran::Stale(same) => job = same,
            Ran::Refused(same) => match remote.table.hand_over(target, same) {
                None => return Served::HandedOver,
                Some(same) => job = same,
            },
            Ran::Ended(connection, None) => return Served::GoesOn(reusable(connection).await),
            Ran::Ended(before, Some(left)) => {
                // Its place is needed for the connection with the next.
                if let Some(before) = before {
                    before.quit().await;
                }
                job = left;
            }
        }
    }
}

/// What becomes of a job that has no connection.
enum Connect {
    Open(Box<Open>, Job),
    /// There is none yet.
    Again(Job),
    /// The job is off our hands.
    Ended(Served),
}

/// Opens a connection with the first server that has not been asked for the job.
async fn connect(remote: &Arc<Remote>, target: &Target, mut job: Job) -> Connect {
    let first = job.trail.is_fresh();
    let wished = remote.asked(&job);
    match open(remote, target, &mut job.trail, wished).await {
        // It takes its time to open a connection.
        Ok(open) => match remote.begin(job) {
            Some(job) => Connect::Open(open, job),
            None => Connect::Ended(Served::GoesOn(Some(open))),
        },
        Err(failure) if first => refused(remote, target, job, failure).await,
        Err(_) => {
            ending::conclude(remote, job);
            Connect::Ended(Served::GoesOn(None))
        }
    }
}

/// A transaction, and what it tells of the destination.
async fn transact(remote: &Arc<Remote>, target: &Target, open: Box<Open>, job: Job) -> Ran {
    let began = Instant::now();
    let (ran, again) = transaction::run(remote, target, open, job).await;
    if let Some(again) = again {
        deliver(remote, target, again);
    }
    match &ran {
        Ran::Ended(Some(_), _) => {
            remote.openings.note(target, History::Good);
            for _ in 0..remote.table.grow(target) {
                start(Arc::clone(remote), target.clone());
            }
        }
        // No single answer is waited for so long in vain, unless the server has fallen silent.
        Ran::Ended(None, _) if began.elapsed() >= COMMAND => {
            remote.openings.note(target, History::Silent);
        }
        Ran::Ended(None, _) | Ran::Stale(_) | Ran::Refused(_) => {}
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

/// No server has a session for us.
async fn refused(remote: &Remote, target: &Target, mut job: Job, failure: Failure) -> Connect {
    tracing::info!(%target, status = %failure.status, reason = failure.reason, "no connection");
    if failure.permanent {
        // It says something of the address, and is found out anew by each message.
        remote.fail(job, &failure);
        return Connect::Ended(Served::GoesOn(None));
    }
    let trail = std::mem::take(&mut job.trail);
    let history = remote.openings.history(target);
    match remote.table.refused(target, history, &failure, job) {
        Refused::LaneEnds => return Connect::Ended(Served::HandedOver),
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
    Connect::Ended(Served::GoesOn(None))
}
