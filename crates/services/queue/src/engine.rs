//! What the calls of `queue.v1` share. Fields only: what is done with them is in the modules.

use std::sync::atomic::AtomicU64;

use database::Fitness;
use sqlx::PgPool;

use crate::clock::Clock;
use crate::due::Due;
use crate::lease::Workers;

/// The queue as its calls see it.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) pool: PgPool,
    /// Whether the database keeps what it is given.
    pub(crate) fitness: Fitness,
    pub(crate) clock: Clock,
    /// Ids of bodies, which are those of messages.
    pub(crate) ids: volume::Ids,
    /// Who may be handed mail.
    pub(crate) workers: Workers,
    /// What the scan needs to know.
    pub(crate) due: Due,
    /// How long a lease lasts.
    pub(crate) lease_ms: i64,
    pub(crate) enqueued: AtomicU64,
    pub(crate) completed: AtomicU64,
}

impl Engine {
    pub(crate) fn new(pool: PgPool, clock: Clock, lease_seconds: u32) -> Self {
        Self {
            pool,
            fitness: Fitness::assumed(),
            clock,
            ids: volume::Ids::new(),
            workers: Workers::default(),
            due: Due::default(),
            lease_ms: i64::from(lease_seconds.max(1)) * 1000,
            enqueued: AtomicU64::new(0),
            completed: AtomicU64::new(0),
        }
    }
}
