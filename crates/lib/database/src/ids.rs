//! Ids allocated before the row is inserted.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::postgres::PgPool;

/// Allocates ids from blocks of a sequence whose increment is the block size.
#[derive(Debug)]
pub struct IdBlocks {
    sequence: &'static str,
    block_size: i64,
    block: Mutex<Block>,
}

#[derive(Debug, Default)]
struct Block {
    next: i64,
    end: i64,
}

impl IdBlocks {
    /// An allocator over `sequence` (schema-qualified), which increments by `block_size`.
    pub const fn new(sequence: &'static str, block_size: i64) -> Self {
        Self {
            sequence,
            block_size,
            block: Mutex::new(Block { next: 0, end: 0 }),
        }
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

    /// `count` ids, ascending but not always consecutive.
    pub async fn take_many(&self, pool: &PgPool, count: usize) -> Result<Vec<i64>, sqlx::Error> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            ids.push(self.take(pool).await?);
        }
        // Another task may have refilled with a newer block, and a slower one with an older.
        ids.sort_unstable();
        Ok(ids)
    }

    fn take_held(&self) -> Option<i64> {
        let mut block = self.lock();
        (block.next < block.end).then(|| {
            block.next += 1;
            block.next - 1
        })
    }

    async fn refill(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let start: i64 = sqlx::query_scalar("SELECT nextval($1::text::regclass)")
            .bind(self.sequence)
            .fetch_one(pool)
            .await?;
        let mut block = self.lock();
        // Another task may have been faster; an unused block costs nothing.
        if block.next >= block.end {
            block.next = start;
            block.end = start + self.block_size;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Block> {
        // No code panics while it holds the lock.
        self.block.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
