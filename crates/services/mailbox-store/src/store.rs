//! What every operation needs: the database, and whom to tell what was committed.
//!
//! The database's connections are shared out: logins and what SMTP asks about recipients have some of
//! their own, and of the others each user has a share ([`Store::turn`]).

mod turns;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::mailbox::v1::Actor;
use database::{Fitness, HeldConnection};
use moka::sync::Cache;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::mailboxes::lock;
use crate::notices::{CHANNEL, Hub, Notice, Origin, UserNotice};
use crate::room::Room;
use crate::{Error, Result};
pub use turns::Turn;
use turns::Turns;

/// The database and the notices. Operations are functions over it, by subject in their modules.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    logins: PgPool,
    turns: Turns,
    /// Whose a mailbox is, which never changes.
    owners: Cache<i64, i64>,
    fitness: Fitness,
    room: Room,
    hub: Arc<Hub>,
    origin: Origin,
    body_ids: Arc<volume::Ids>,
    searches: Arc<Semaphore>,
}

/// Searches of contents at a time: others are to find connections, and processors.
const SEARCHES: usize = 4;

/// Mailboxes whose users are remembered.
const OWNERS: u64 = 100_000;

/// Of a pool's connections, those that stay with one task: the writer of deliveries, the listener.
const KEPT: u32 = 2;

/// How many of a pool's connections one user may have: half of those that are for users.
fn share(connections: u32) -> usize {
    (connections.saturating_sub(KEPT) / 2).max(1) as usize
}

/// How often a write is made again when a deadlock was broken or Postgres restarted, before the
/// caller is told to try again later.
const ATTEMPTS: u32 = 4;

impl Store {
    /// Over a pool whose database has the schemas.
    pub fn new(pool: PgPool) -> Self {
        Self::with_logins(pool.clone(), pool)
    }

    /// Over two pools of one database: `logins` is for logins, which never wait for what others read.
    pub fn with_logins(pool: PgPool, logins: PgPool) -> Self {
        let connections = pool.options().get_max_connections();
        Self {
            pool,
            logins,
            turns: Turns::new(share(connections)),
            owners: Cache::new(OWNERS),
            fitness: Fitness::assumed(),
            room: Room::default(),
            hub: Arc::default(),
            origin: Origin::random(),
            body_ids: Arc::default(),
            searches: Arc::new(Semaphore::new(SEARCHES)),
        }
    }

    /// The same over a database that is looked at: nothing is written to one that does not keep it.
    #[must_use]
    pub fn over(self, fitness: Fitness) -> Self {
        Self { fitness, ..self }
    }

    /// The same on a volume that is looked at.
    #[must_use]
    pub fn with_room(self, room: Room) -> Self {
        Self { room, ..self }
    }

    /// Whether there is room for more messages.
    pub fn has_room(&self) -> Result<()> {
        if self.room.is_short() {
            return Err(Error::NoRoom);
        }
        Ok(())
    }

    /// Whether what is written is kept (I1).
    pub fn keeps(&self) -> Result<()> {
        if self.fitness.is_unsafe() {
            let reason = "the database does not keep what it is given";
            return Err(Error::Unavailable(reason.into()));
        }
        Ok(())
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The same, over the connections that are kept for logins.
    #[must_use]
    pub fn for_logins(&self) -> Self {
        Self {
            pool: self.logins.clone(),
            ..self.clone()
        }
    }

    /// Waits until a connection may be taken for the user.
    pub async fn turn(&self, user_id: i64) -> Turn {
        self.turns.of(user_id).await
    }

    /// The same for the user whose mailbox this is.
    pub async fn turn_of_owner(&self, mailbox_id: i64) -> Result<Turn> {
        // Those who ask about mailboxes that do not exist share the turns of a user who does not.
        let owner = self.owner(mailbox_id).await?;
        Ok(self.turn(owner.unwrap_or(0)).await)
    }

    /// The same for an actor who asks for this mailbox, if they [may](Self::check_owner).
    pub async fn turn_in(&self, actor: &Actor, mailbox_id: i64) -> Result<Turn> {
        self.check_owner(actor, mailbox_id).await?;
        Ok(self.turn(actor.user_id).await)
    }

    /// Whether the actor may ask for this mailbox: another's is as one that does not exist. One that is no
    /// more is nobody's, and is found missing by whoever looks for it.
    ///
    /// Whose a mailbox is never changes, so that this holds in every transaction that comes after.
    pub async fn check_owner(&self, actor: &Actor, mailbox_id: i64) -> Result<()> {
        match self.owner(mailbox_id).await? {
            Some(owner) if owner != actor.user_id => {
                tracing::warn!(
                    user_id = actor.user_id,
                    peer = %actor.peer_address,
                    mailbox_id,
                    owner,
                    "another's mailbox was asked for"
                );
                Err(lock::missing(mailbox_id))
            }
            _ => Ok(()),
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

    /// Whose these mailboxes are; those that do not exist are left out.
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

    /// Remembers whose a mailbox is.
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
        self.keeps()?;
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
