//! Free space of the database's volume. It is checked about every second, not for each message.
//!
//! Below the reserve, clients cannot store new messages. Delivery of accepted mail, reading, flags, moving,
//! expunging and administration continue within the reserve. Postgres' log must not fill the reserve
//! meanwhile, up to `max_wal_size`. Therefore checkpoints are requested now and then, after which the log's
//! files are reused.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// Interval between two checks of the volume.
const EVERY: Duration = Duration::from_secs(1);

/// Interval between two checkpoints while space is short.
const CHECKPOINTS: Duration = Duration::from_secs(60);

/// Default of the reserve, in octets.
pub const RESERVE: u64 = 512 << 20;

/// Whether there is free space. Clones share the state. Without a check, there is space.
#[derive(Debug, Clone, Default)]
pub struct Room {
    short: Arc<AtomicBool>,
}

impl Room {
    /// Checks the volume of `path` until `shutdown`. There is space while `reserve` octets are free.
    pub async fn watch(path: PathBuf, reserve: u64, shutdown: CancellationToken) -> Self {
        let room = Self::default();
        let known = room.clone();
        known.look(&path, reserve).await;
        tokio::spawn(shutdown.run_until_cancelled_owned(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                known.look(&path, reserve).await;
            }
        }));
        room
    }

    /// Whether new messages must be refused.
    pub fn is_short(&self) -> bool {
        self.short.load(Ordering::Relaxed)
    }

    async fn look(&self, path: &std::path::Path, reserve: u64) {
        match database::free_space(path.to_owned()).await {
            Ok(free) => {
                let short = free < reserve;
                if self.short.swap(short, Ordering::Relaxed) == short {
                    return;
                }
                if short {
                    tracing::warn!(
                        free,
                        reserve,
                        "too little free space: APPEND and COPY are refused"
                    );
                } else {
                    tracing::info!(free, reserve, "there is free space again");
                }
            }
            // The last known state holds.
            Err(error) => tracing::debug!(%error, "the free space at `data-path` cannot be read"),
        }
    }
}

/// Requests checkpoints while space is short, for the life of the process.
pub async fn keep_log_small(room: Room, pool: PgPool) {
    loop {
        if !room.is_short() {
            tokio::time::sleep(EVERY).await;
            continue;
        }
        if let Err(error) = sqlx::query("CHECKPOINT").execute(&pool).await {
            // Since version 15 there is a role for it (docs/database.md).
            tracing::warn!(%error, "a checkpoint failed while space is short");
        }
        tokio::time::sleep(CHECKPOINTS).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;
    use crate::test_store::pool;

    #[tokio::test]
    async fn a_volume_with_less_than_the_reserve_is_short_and_one_that_cannot_be_asked_is_not() {
        let shutdown = CancellationToken::new();
        for (path, reserve, short) in [
            ("/", 0, false),
            ("/", u64::MAX, true),
            // Nothing can be written there.
            ("/proc", 1, true),
            ("/nonexistent", u64::MAX, false),
        ] {
            let room = Room::watch(path.into(), reserve, shutdown.clone()).await;
            assert_eq!(room.is_short(), short, "{path}");
        }
        assert!(!Room::default().is_short());
    }

    #[tokio::test]
    async fn while_space_is_short_the_log_of_postgres_is_kept_small() {
        let pool = pool(&test_kit::Postgres::start().database().await).await;
        let redo = async || -> String {
            let redo = "SELECT redo_lsn::text FROM pg_control_checkpoint()";
            sqlx::query_scalar(redo).fetch_one(&pool).await.unwrap()
        };
        let before = redo().await;
        sqlx::raw_sql("CREATE TABLE written AS SELECT 1")
            .execute(&pool)
            .await
            .unwrap();
        let shutdown = CancellationToken::new();
        let room = Room::watch("/".into(), u64::MAX, shutdown).await;
        let checkpoint = async {
            while redo().await == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = keep_log_small(room, pool.clone()) => {}
            done = tokio::time::timeout(Duration::from_secs(60), checkpoint) => done.unwrap(),
        }
    }
}
