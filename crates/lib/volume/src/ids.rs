//! Body ids, allocated before the row is inserted.

use database::IdBlocks;
use sqlx::PgPool;

/// Allocates body ids in blocks from the sequence `volume.body_id`.
#[derive(Debug)]
pub struct Ids(IdBlocks);

impl Ids {
    /// An allocator without ids. A process needs one.
    pub fn new() -> Self {
        Self(IdBlocks::new("volume.body_id", 1000))
    }

    /// The next id.
    pub async fn take(&self, pool: &PgPool) -> Result<i64, sqlx::Error> {
        self.0.take(pool).await
    }

    /// `count` ids, ascending but not always consecutive.
    pub async fn take_many(&self, pool: &PgPool, count: usize) -> Result<Vec<i64>, sqlx::Error> {
        self.0.take_many(pool, count).await
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}
