//! What every operation needs: the database, and the watchers of committed changes.
//!
//! The database connections are divided: logins and SMTP's questions about recipients have their own, and
//! each user has a share of the others ([`Store::turn`]).

mod salt_secret;
mod turns;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::actor::v1::Actor;
use database::{Fitness, HeldConnection, Retry};
use moka::sync::Cache;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::mailboxes::lock;
use crate::notices::{CHANNEL, Hub, Notice, Origin, UserNotice};
use crate::room::Room;
use crate::{Error, Result};
use salt_secret::SaltSecret;
pub use turns::Turn;
use turns::Turns;

/// The database and the notices. Operations are functions of it, in the modules of their subjects.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    logins: PgPool,
    turns: Turns,
    /// Owners of mailboxes, which never change.
    owners: Cache<i64, i64>,
    salt_secret: Arc<SaltSecret>,
    fitness: Fitness,
    room: Room,
    hub: Arc<Hub>,
    origin: Origin,
    body_ids: Arc<volume::Ids>,
    searches: Arc<Semaphore>,
}

/// Maximum number of content searches at a time, to leave connections and processors to others.
const SEARCHES: usize = 4;

/// Maximum number of mailboxes whose owners are cached.
const OWNERS: u64 = 100_000;

/// Connections that belong to one task each: the writer of deliveries, the listener.
const KEPT: u32 = 2;

/// Number of connections that one user may use: half of those for users.
fn share(connections: u32) -> usize {
    (connections.saturating_sub(KEPT) / 2).max(1) as usize
}

/// How long a transaction is repeated after a deadlock or a restart of Postgres, before the caller gets an
/// error.
const RETRY_BUDGET: Duration = Duration::from_secs(3);

impl Store {
    /// A store on a pool whose database has the schemas.
    pub fn new(pool: PgPool) -> Self {
        Self::with_logins(pool.clone(), pool)
    }

    /// A store on two pools of one database. `logins` is for logins, which never wait for readers.
    pub fn with_logins(pool: PgPool, logins: PgPool) -> Self {
        let connections = pool.options().get_max_connections();
        Self {
            pool,
            logins,
            turns: Turns::new(share(connections)),
            owners: Cache::new(OWNERS),
            salt_secret: Arc::default(),
            fitness: Fitness::assumed(),
            room: Room::default(),
            hub: Arc::default(),
            origin: Origin::random(),
            body_ids: Arc::default(),
            searches: Arc::new(Semaphore::new(SEARCHES)),
        }
    }

    /// The store with checks of the database: nothing is written to one that is not durable.
    #[must_use]
    pub fn over(self, fitness: Fitness) -> Self {
        Self { fitness, ..self }
    }

    /// The store with checks of the volume's free space.
    #[must_use]
    pub fn with_room(self, room: Room) -> Self {
        Self { room, ..self }
    }

    /// Fails if space is short.
    pub fn has_room(&self) -> Result<()> {
        if self.room.is_short() {
            return Err(Error::NoRoom);
        }
        Ok(())
    }

    /// Fails unless the database keeps its commits (I1).
    pub fn keeps(&self) -> Result<()> {
        if self.fitness.is_unsafe() {
            let reason = "the database does not keep what it commits";
            return Err(Error::Unavailable(reason.into()));
        }
        Ok(())
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The same store, on the connections reserved for logins.
    #[must_use]
    pub fn for_logins(&self) -> Self {
        Self {
            pool: self.logins.clone(),
            ..self.clone()
        }
    }

    /// The secret from which the salts of SCRAM are derived.
    pub async fn salt_secret(&self) -> Result<&[u8]> {
        self.salt_secret.read(&self.pool).await
    }

    /// Waits for a turn of the user.
    pub async fn turn(&self, user_id: i64) -> Turn {
        self.turns.of(user_id).await
    }

    /// Waits for a turn of the mailbox's owner.
    pub async fn turn_of_owner(&self, mailbox_id: i64) -> Result<Turn> {
        // Requests for missing mailboxes share the turns of a user who does not exist.
        let owner = self.owner(mailbox_id).await?;
        Ok(self.turn(owner.unwrap_or(0)).await)
    }

    /// Waits for a turn of the actor, if the mailbox [belongs](Self::check_owner) to the actor.
    pub async fn turn_in(&self, actor: &Actor, mailbox_id: i64) -> Result<Turn> {
        self.check_owner(actor, mailbox_id).await?;
        Ok(self.turn(actor.user_id).await)
    }

    /// Fails unless the mailbox exists and belongs to the actor. Another user's mailbox is reported as missing.
    ///
    /// The owner of a mailbox never changes, so the result holds in all later transactions. A mailbox that does
    /// not exist is refused too: another user may create it meanwhile.
    pub async fn check_owner(&self, actor: &Actor, mailbox_id: i64) -> Result<()> {
        match self.exists_for(actor, mailbox_id).await? {
            true => Ok(()),
            false => Err(lock::missing(mailbox_id)),
        }
    }

    /// Whether the mailbox exists. Fails if it belongs to another user.
    pub async fn exists_for(&self, actor: &Actor, mailbox_id: i64) -> Result<bool> {
        match self.owner(mailbox_id).await? {
            Some(owner) if owner != actor.user_id => {
                tracing::warn!(
                    user_id = actor.user_id,
                    peer = %actor.peer_address,
                    mailbox_id,
                    owner,
                    "a request for another user's mailbox was refused"
                );
                Err(lock::missing(mailbox_id))
            }
            owner => Ok(owner.is_some()),
        }
    }

    async fn owner(&self, mailbox_id: i64) -> Result<Option<i64>> {
        match self.owners.get(&mailbox_id) {
            Some(owner) => Ok(Some(owner)),
            None => Ok(self
                .look_up_owners(&[mailbox_id])
                .await?
                .get(&mailbox_id)
                .copied()),
        }
    }

    /// The owners of these mailboxes; missing ones are left out.
    pub async fn owners(&self, mailbox_ids: &[i64]) -> Result<HashMap<i64, i64>> {
        let mut owners = HashMap::new();
        let mut unknown = Vec::new();
        for &mailbox_id in mailbox_ids {
            match self.owners.get(&mailbox_id) {
                Some(owner) => drop(owners.insert(mailbox_id, owner)),
                None => unknown.push(mailbox_id),
            }
        }
        if !unknown.is_empty() {
            owners.extend(self.look_up_owners(&unknown).await?);
        }
        Ok(owners)
    }

    /// Caches a mailbox's owner.
    pub fn note_owner(&self, mailbox_id: i64, user_id: i64) {
        self.owners.insert(mailbox_id, user_id);
    }

    async fn look_up_owners(&self, mailbox_ids: &[i64]) -> Result<HashMap<i64, i64>> {
        let rows = sqlx::query!(
            "SELECT mailbox_id, user_id FROM mailbox.mailbox WHERE mailbox_id = ANY($1)",
            mailbox_ids
        )
        .fetch_all(&self.logins)
        .await?;
        let owners: HashMap<i64, i64> = rows
            .into_iter()
            .map(|row| (row.mailbox_id, row.user_id))
            .collect();
        for (&mailbox_id, &user_id) in &owners {
            self.note_owner(mailbox_id, user_id);
        }
        Ok(owners)
    }

    /// The watchers of this process.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Assigns ids to new bodies.
    pub fn body_ids(&self) -> &volume::Ids {
        &self.body_ids
    }

    /// Waits for a turn to search contents. `None` never happens: the semaphore is never closed.
    pub async fn search_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.searches.acquire().await.ok()
    }

    /// Identifies this process in notices.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Begins a transaction that writes.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        self.keeps()?;
        Ok(self.pool.begin().await?)
    }

    /// A connection for a task that writes continuously.
    pub fn held_connection(&self) -> HeldConnection {
        HeldConnection::new(self.pool.clone())
    }

    /// Begins a transaction whose queries all see the same state.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Postgres>> {
        Ok(self
            .pool
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?)
    }

    /// Commits, then notifies: watchers never learn of a change that could still be undone.
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

/// Repeats a transaction while it fails temporarily and has certainly not been committed.
pub async fn repeated<T, F, A>(mut attempt: A) -> Result<T>
where
    A: FnMut() -> F,
    F: Future<Output = Result<T>>,
{
    // The budget begins with the first failure: an attempt that Postgres never answers takes longer than that.
    let mut retry = None;
    loop {
        let error = match attempt().await {
            Err(error) if error.is_repeatable() => error,
            other => return other,
        };
        let retry = retry.get_or_insert_with(|| Retry::within(RETRY_BUDGET));
        if !retry.wait().await {
            return Err(error);
        }
        tracing::debug!(%error, "repeating a transaction");
    }
}
