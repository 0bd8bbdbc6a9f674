//! What every operation needs: the database, and whom to tell what was committed.

use std::sync::Arc;
use std::time::Duration;

use database::HeldConnection;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::notices::{CHANNEL, Hub, Notice, Origin, UserNotice};
use crate::{Error, Result};

/// The database and the notices. Operations are functions over it, by subject in their modules.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    hub: Arc<Hub>,
    origin: Origin,
    body_ids: Arc<volume::Ids>,
    searches: Arc<Semaphore>,
}

/// Searches of contents at a time: others are to find connections, and processors.
const SEARCHES: usize = 4;

/// How often a write is made again when a deadlock was broken or Postgres restarted, before the
/// caller is told to try again later.
const ATTEMPTS: u32 = 4;

impl Store {
    /// Over a pool whose database has the schemas.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            hub: Arc::default(),
            origin: Origin::random(),
            body_ids: Arc::default(),
            searches: Arc::new(Semaphore::new(SEARCHES)),
        }
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The watchers of this process.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Gives ids to bodies that come in here.
    pub fn body_ids(&self) -> &volume::Ids {
        &self.body_ids
    }

    /// Waits until it is a search's turn to look at contents. (None would mean that nobody may any
    /// more, which nobody says.)
    pub async fn search_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.searches.acquire().await.ok()
    }

    /// By what this process knows its own notices.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Begins a transaction that changes something.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        Ok(self.pool.begin().await?)
    }

    /// A connection for a task that writes all the time.
    pub fn held_connection(&self) -> HeldConnection {
        HeldConnection::new(self.pool.clone())
    }

    /// Begins a transaction whose queries all see the same moment.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Postgres>> {
        Ok(self
            .pool
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?)
    }

    /// Commits, and then tells: watchers never hear of what could still be undone.
    pub async fn commit(
        &self,
        mut transaction: Transaction<'_, Postgres>,
        notices: &[Notice],
    ) -> Result<()> {
        let payloads: Vec<String> = notices
            .iter()
            .flat_map(|notice| notice.encode(self.origin))
            .collect();
        if !payloads.is_empty() {
            sqlx::query!(
                r#"SELECT count(pg_notify($1, payload)) FROM UNNEST($2::text[]) AS told (payload)"#,
                CHANNEL,
                &payloads
            )
            .fetch_one(&mut *transaction)
            .await?;
        }
        transaction.commit().await.map_err(Error::Uncertain)?;
        for notice in notices {
            match notice {
                Notice::Mailboxes(changes) => self.hub.publish(changes),
                Notice::User { address, exists } => self.hub.publish_user(UserNotice::User {
                    address: address.clone(),
                    exists: *exists,
                }),
                Notice::Password { user_id } => {
                    self.hub
                        .publish_user(UserNotice::Password { user_id: *user_id });
                }
            }
        }
        Ok(())
    }
}

/// Makes a transaction again while it fails for the moment and has certainly not been committed.
pub async fn repeated<T, F, A>(mut attempt: A) -> Result<T>
where
    A: FnMut() -> F,
    F: Future<Output = Result<T>>,
{
    let mut pause = Duration::from_millis(20);
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if error.is_repeatable() => {
                tracing::debug!(%error, "making a transaction again");
                tokio::time::sleep(pause).await;
                pause *= 4;
            }
            other => return other,
        }
    }
    attempt().await
}
