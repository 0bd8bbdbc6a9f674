//! Whether CRAM-MD5 is on anywhere. Replicas may differ for a while, when the configuration is being
//! rolled out or one of them has an old file: those where it is on say so, again and again, and those
//! where it is off remove the secrets, again and again, once nobody says so any more. So a replica that
//! is started without the section takes nothing from those that still have it, and what one of those
//! makes after that start is not left behind.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{Result, clock};

/// How long a replica's word holds.
const HOLDS: Duration = Duration::from_secs(10 * 60);
/// How often it is given, and how often it is looked whether it still is.
const INTERVAL: Duration = Duration::from_secs(2 * 60);

/// How it stands at this replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Secrets are made.
    On,
    /// None shall be left.
    Off,
}

impl Switch {
    /// Does what is to be done once.
    pub async fn apply(self, pool: &PgPool) -> Result<()> {
        self.apply_at(pool, clock::now()).await
    }

    /// Does it again and again until `shutdown`.
    pub async fn keep(self, pool: PgPool, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.apply(&pool).await {
                tracing::warn!(%error, switch = ?self, "whether CRAM-MD5 is on was not told");
            }
        }
    }

    pub(in crate::users) async fn apply_at(self, pool: &PgPool, now: i64) -> Result<()> {
        match self {
            Self::On => tell(pool, now).await,
            Self::Off => forget(pool, now).await,
        }
    }
}

async fn tell(pool: &PgPool, now: i64) -> Result<()> {
    let until = now + i64::try_from(HOLDS.as_millis()).unwrap_or(i64::MAX - now);
    sqlx::query!(
        "UPDATE mailbox.cram_md5 SET on_until = GREATEST(on_until, $1)",
        until
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// One who begins to tell meanwhile waits, and makes its secrets afterwards.
async fn forget(pool: &PgPool, now: i64) -> Result<()> {
    let mut transaction = pool.begin().await?;
    let on_until = sqlx::query_scalar!("SELECT on_until FROM mailbox.cram_md5 FOR UPDATE")
        .fetch_one(&mut *transaction)
        .await?;
    if now < on_until {
        let seconds = (on_until - now) / 1000;
        tracing::info!(
            "CRAM-MD5 is off here and was on elsewhere a short while ago: its secrets are kept for {seconds} s yet, \
             and as long as it is"
        );
        return Ok(());
    }
    let users = sqlx::query!("UPDATE mailbox.user SET cram_md5 = NULL WHERE cram_md5 IS NOT NULL")
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    let programs =
        sqlx::query!("UPDATE mailbox.app_password SET cram_md5 = NULL WHERE cram_md5 IS NOT NULL")
            .execute(&mut *transaction)
            .await?
            .rows_affected();
    transaction.commit().await?;
    if users + programs > 0 {
        tracing::info!(
            users,
            programs,
            "CRAM-MD5 is off: its secrets have been removed"
        );
    }
    Ok(())
}
