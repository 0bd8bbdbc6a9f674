//! A connection owned by a busy task.

use sqlx::PgConnection;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;

/// A connection that stays with one task. A pool tests each returned connection, which costs a round trip;
/// a task that writes a thousand times a second keeps its own.
///
/// After an error call [`HeldConnection::discard`]: the next use takes another connection.
#[derive(Debug)]
pub struct HeldConnection {
    pool: PgPool,
    held: Option<PoolConnection<Postgres>>,
}

impl HeldConnection {
    /// Takes a connection from `pool` when it is first used.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, held: None }
    }

    /// The connection.
    pub async fn get(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let held = match self.held.take() {
            Some(held) => held,
            None => self.pool.acquire().await?,
        };
        Ok(self.held.insert(held))
    }

    /// Closes the connection, which is broken or in an unknown state.
    pub fn discard(&mut self) {
        if let Some(mut held) = self.held.take() {
            held.close_on_drop();
        }
    }
}
