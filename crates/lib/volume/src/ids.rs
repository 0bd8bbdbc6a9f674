//! Ids that are known before the row is inserted.

use std::sync::Mutex;

use sqlx::PgPool;

/// Ids a process takes from the sequence at a time: the sequence's increment.
const BLOCK: i64 = 1000;

/// Gives body ids out of blocks taken from the sequence `volume.body_id`.
#[derive(Debug, Default)]
pub struct Ids {
    block: Mutex<Block>,
}

#[derive(Debug, Default)]
struct Block {
    next: i64,
    end: i64,
}

impl Ids {
    /// An allocator that holds no ids yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next id.
    pub async fn take(&self, pool: &PgPool) -> Result<i64, sqlx::Error> {
        loop {
            if let Some(id) = self.take_held() {
                return Ok(id);
            }
            self.refill(pool).await?;
        }
    }

    /// `count` ids, ascending, though not always consecutive.
    pub async fn take_many(&self, pool: &PgPool, count: usize) -> Result<Vec<i64>, sqlx::Error> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            ids.push(self.take(pool).await?);
        }
        Ok(ids)
    }

    fn take_held(&self) -> Option<i64> {
        let mut block = lock(&self.block);
        (block.next < block.end).then(|| {
            block.next += 1;
            block.next - 1
        })
    }

    async fn refill(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let start = sqlx::query_scalar!(r#"SELECT nextval('volume.body_id') AS "id!""#)
            .fetch_one(pool)
            .await?;
        let mut block = lock(&self.block);
        // Another task may have been faster; a block left unused costs nothing.
        if block.next >= block.end {
            block.next = start;
            block.end = start + BLOCK;
        }
        Ok(())
    }
}

fn lock(block: &Mutex<Block>) -> std::sync::MutexGuard<'_, Block> {
    // No code panics while it holds the lock.
    block
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
