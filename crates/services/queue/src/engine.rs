//! State that the calls of `queue.v1` share. It has fields only; the modules hold the operations.

use std::sync::atomic::AtomicU64;

use database::Fitness;
use sqlx::PgPool;

use crate::clock::Clock;
use crate::due::Due;
use crate::lease::Workers;

/// The shared state of the queue.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) pool: PgPool,
    /// Whether the database is fit: reachable, writable, and durable.
    pub(crate) fitness: Fitness,
    pub(crate) clock: Clock,
    /// Ids of bodies, which are also those of messages.
    pub(crate) ids: volume::Ids,
    /// The connected workers and their credits.
    pub(crate) workers: Workers,
    /// Hints for the scan.
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
