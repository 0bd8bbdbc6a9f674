//! The state that all lanes share.

use std::sync::Arc;
use std::time::Duration;

use api::grpc::Channel;
use session_io::ClientTls;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::job::Job;
use super::mx::Resolver;
use super::openings::Openings;
use super::table::Table;
use super::target::Target;
use crate::fate::{Failure, Fate};
use crate::finish::Finisher;
use crate::leases::Lease;

/// The settings of delivery to other servers.
pub(crate) struct Setup {
    pub(crate) finisher: Arc<Finisher>,
    pub(crate) queue: Channel,
    pub(crate) resolver: Resolver,
    /// The host name in EHLO.
    pub(crate) hostname: String,
    pub(crate) connections: usize,
    pub(crate) connections_per_destination: usize,
    /// Accepts any certificate (RFC 7435).
    pub(crate) any_tls: ClientTls,
    /// Accepts certificates that name the server.
    pub(crate) verified_tls: ClientTls,
}

/// A handle of all lanes.
pub(crate) struct Remote {
    pub(super) setup: Setup,
    pub(super) table: Arc<Table>,
    pub(super) openings: Openings<Target>,
    pub(super) permits: Arc<Semaphore>,
    pub(super) stopping: CancellationToken,
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

    /// When an attempt was asked for, if it was.
    pub(super) fn retry_asked_at(&self, job: &Job) -> Option<Instant> {
        let recipients = job.leases.iter().map(Lease::recipient);
        let asked_ms = recipients.map(|one| one.retry_asked_at_ms).max()?;
        if asked_ms == 0 {
            return None;
        }
        let since = self.setup.finisher.clock.now_ms().saturating_sub(asked_ms);
        let since = Duration::from_millis(u64::try_from(since).unwrap_or(0));
        // Nothing is remembered from before this machine's start.
        Instant::now().checked_sub(since)
    }

    /// Starts no more jobs: those that wait are left to other workers.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
        for job in self.table.stop() {
            Lease::give_back(job.leases);
        }
    }

    /// The job with its valid leases only; `None` without any.
    pub(super) fn begin(&self, mut job: Job) -> Option<Job> {
        if !job.work.is_ours() {
            Lease::give_back(job.leases);
            return None;
        }
        job.leases.retain(|lease| !lease.is_void());
        (!job.leases.is_empty()).then_some(job)
    }

    pub(super) fn fail(&self, job: Job, failure: &Failure) {
        let fate = Fate::Failed(failure.clone());
        let ended = job.leases.into_iter().map(|one| (one, fate.clone()));
        self.setup.finisher.finish(&job.work, ended.collect());
    }
}
