//! Delivery to other servers: a queue and a few connections for each destination.
//!
//! A destination is served by *lanes*: tasks with a connection each, which take job after job from
//! the destination's queue and end when there has been none for a while. A destination has one lane
//! until it has taken part in a transaction, and again once it has kept us waiting. What
//! destinations share is a bound on connections, and bounds on opening them (see `openings`).

mod content;
mod ending;
mod gateway;
mod hops;
mod lane;
mod mx;
mod open;
mod openings;
mod outcome;
mod table;
mod trail;
mod transaction;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use api::grpc::Channel;
use api::queue::v1::LeasedRecipient;
use rules::{Gateway, Host};
use session_io::ClientTls;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::finish::Finisher;
use crate::lease::Held;
use crate::work::{Failure, Fate, Work, lease_key};
use openings::Openings;
use table::{Admission, Table};
use trail::Trail;

pub(crate) use mx::Resolver;

/// Recipients in one transaction: what every server takes (RFC 5321 §4.5.3.1.8).
const MAX_RECIPIENTS: usize = 100;

/// Where mail for other servers goes: one queue, one set of connections each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// To the servers that the DNS names.
    Direct(Host),
    /// To a gateway.
    Gateway(Arc<Gateway>),
    /// The same by servers that prove who they are within TLS, for messages that may go no other
    /// way (RFC 8689). A destination of its own: its connections are shared with no other mail.
    Secured(Box<Self>),
}

impl Target {
    fn secured(&self) -> Self {
        match self {
            Self::Secured(_) => self.clone(),
            target => Self::Secured(Box::new(target.clone())),
        }
    }
}

impl std::hash::Hash for Target {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Direct(host) => host.hash(state),
            Self::Gateway(gateway) => gateway.name.hash(state),
            Self::Secured(target) => ("secured", target).hash(state),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Direct(host) => host.fmt(f),
            Self::Gateway(gateway) => write!(f, "gateway {}", gateway.name),
            Self::Secured(target) => write!(f, "{target}, secured"),
        }
    }
}

/// Recipients of one message that go to one target, in one transaction.
pub(crate) struct Job {
    pub(crate) work: Arc<Work>,
    pub(crate) recipients: Vec<LeasedRecipient>,
    /// The servers that have been asked.
    trail: Trail,
    /// How often a lane that had begun it has handed it to others.
    handed_over: u8,
}

impl Job {
    pub(crate) fn new(work: &Arc<Work>, recipients: Vec<LeasedRecipient>) -> Self {
        Self {
            work: Arc::clone(work),
            recipients,
            trail: Trail::default(),
            handed_over: 0,
        }
    }

    fn split(mut self) -> Vec<Self> {
        let mut jobs = Vec::new();
        while self.recipients.len() > MAX_RECIPIENTS {
            let rest = self.recipients.split_off(MAX_RECIPIENTS);
            let recipients = std::mem::replace(&mut self.recipients, rest);
            jobs.push(Self::new(&self.work, recipients));
        }
        jobs.push(self);
        jobs
    }
}

/// What delivery to other servers works with.
pub(crate) struct Setup {
    pub(crate) finisher: Arc<Finisher>,
    pub(crate) held: Arc<Held>,
    pub(crate) queue: Channel,
    pub(crate) resolver: Resolver,
    /// What we call ourselves.
    pub(crate) hostname: String,
    pub(crate) connections: usize,
    pub(crate) connections_per_destination: usize,
    /// Takes any certificate (RFC 7435).
    pub(crate) any_tls: ClientTls,
    /// Takes those that name the server.
    pub(crate) verified_tls: ClientTls,
}

/// A handle to all lanes.
pub(crate) struct Remote {
    setup: Setup,
    table: Arc<Table>,
    openings: Openings<Target>,
    permits: Arc<Semaphore>,
    stopping: CancellationToken,
}

impl Remote {
    pub(crate) fn new(setup: Setup) -> Arc<Self> {
        Arc::new(Self {
            table: Arc::new(Table::new(setup.connections_per_destination)),
            openings: Openings::new(setup.connections),
            permits: Arc::new(Semaphore::new(setup.connections.max(1))),
            stopping: CancellationToken::new(),
            setup,
        })
    }

    /// Queues a job for its destination.
    pub(crate) fn deliver(self: &Arc<Self>, target: &Target, job: Job) {
        let target = &match job.work.message.require_tls {
            true => target.secured(),
            false => target.clone(),
        };
        if let Some(asked) = self.asked(&job) {
            // Somebody knows better than we did before.
            self.openings.forget_silence(target, asked);
            self.table.forget_unreachable(target, asked);
        }
        for job in job.split() {
            match self.table.add(target, self.openings.history(target), job) {
                Admission::Queued => {}
                Admission::NewLane => lane::start(Arc::clone(self), target.clone()),
                Admission::Unreachable(job, failure) => self.fail(job, &failure),
                Admission::Stopped(job) => self.leave(&job),
            }
        }
    }

    /// When an attempt was asked for, if one was.
    fn asked(&self, job: &Job) -> Option<Instant> {
        let recipients = job.recipients.iter();
        let asked_ms = recipients.map(|one| one.retry_asked_at_ms).max()?;
        if asked_ms == 0 {
            return None;
        }
        let since = self.setup.finisher.clock.now_ms().saturating_sub(asked_ms);
        let since = Duration::from_millis(u64::try_from(since).unwrap_or(0));
        // What is from before this machine began is no memory of ours.
        Instant::now().checked_sub(since)
    }

    /// Begins no more jobs: those that wait are left to other workers.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
        for job in self.table.stop() {
            self.leave(&job);
        }
    }

    /// The job as far as it may begin: not without its leases.
    fn begin(&self, mut job: Job) -> Option<Job> {
        if !job.work.is_ours() {
            self.leave(&job);
            return None;
        }
        self.setup.held.keep(&mut job.recipients, |one| one);
        (!job.recipients.is_empty()).then_some(job)
    }

    fn leave(&self, job: &Job) {
        let keys: Vec<_> = job.recipients.iter().map(lease_key).collect();
        self.setup.held.give_back(&keys);
    }

    fn fail(&self, job: Job, failure: &Failure) {
        let fate = Fate::Failed(failure.clone());
        let ended = job.recipients.into_iter().map(|one| (one, fate.clone()));
        self.setup.finisher.finish(&job.work, ended.collect());
    }
}
