//! Exclusive access of POP3 to an INBOX (RFC 1939 §8), across all replicas.
//!
//! A lock is an advisory lock of Postgres on one connection, which this process keeps for all of them. It
//! ends with the process, however that ends. If the connection breaks, the locks are lost, and their holders
//! are notified.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{Error, Result};

#[cfg(test)]
mod tests;

/// Interval between checks of the connection while locks are held; also the timeout of an answer.
const TRIED_EVERY: Duration = Duration::from_secs(5);

/// A handle of the task that holds locks.
#[derive(Debug, Clone)]
pub struct Maildrops {
    commands: mpsc::UnboundedSender<Command>,
}

/// A held lock. Dropping it releases it.
#[derive(Debug)]
pub struct MaildropLock {
    user_id: i64,
    lost: CancellationToken,
    commands: mpsc::UnboundedSender<Command>,
}

#[derive(Debug)]
enum Command {
    Lock(i64, oneshot::Sender<Result<CancellationToken>>),
    Unlock(i64),
}

impl Maildrops {
    /// Starts the task that keeps the connection. It ends when all handles and locks are dropped.
    pub fn start(pool: PgPool) -> Self {
        let (commands, waiting) = mpsc::unbounded_channel();
        let keeper = Keeper {
            pool,
            connection: None,
            held: HashMap::new(),
        };
        tokio::spawn(keeper.run(waiting));
        Self { commands }
    }

    /// Locks a user's maildrop, or fails at once if another session holds the lock.
    pub async fn lock(&self, user_id: i64) -> Result<MaildropLock> {
        let (answer, result) = oneshot::channel();
        let stopped = || Error::Unavailable("no maildrop locks any more".into());
        self.commands
            .send(Command::Lock(user_id, answer))
            .map_err(|_| stopped())?;
        let lost = result.await.map_err(|_| stopped())??;
        Ok(MaildropLock {
            user_id,
            lost,
            commands: self.commands.clone(),
        })
    }
}

impl MaildropLock {
    /// Completes when the lock is lost: another session may hold it now.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for MaildropLock {
    fn drop(&mut self) {
        // A lost lock may be held by another session by now. A task that has ended has no locks.
        if !self.lost.is_cancelled() {
            self.commands.send(Command::Unlock(self.user_id)).ok();
        }
    }
}

struct Keeper {
    pool: PgPool,
    connection: Option<PgConnection>,
    held: HashMap<i64, CancellationToken>,
}

impl Keeper {
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut ticks = tokio::time::interval(TRIED_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None => return,
                    Some(Command::Lock(user_id, answer)) => {
                        let result = self.lock(user_id).await;
                        // The caller has gone, so nobody would release the lock.
                        if let Err(Ok(_)) = answer.send(result) {
                            self.unlock(user_id).await;
                        }
                    }
                    Some(Command::Unlock(user_id)) => self.unlock(user_id).await,
                },
                _ = ticks.tick(), if !self.held.is_empty() => self.try_connection().await,
            }
        }
    }

    async fn lock(&mut self, user_id: i64) -> Result<CancellationToken> {
        // Postgres would grant the same connection the same lock again.
        if self.held.contains_key(&user_id) {
            return Err(locked());
        }
        let taken = match self.try_lock(user_id).await {
            Err(_) => {
                self.lose();
                self.try_lock(user_id).await
            }
            result => result,
        };
        match taken {
            Ok(true) => {
                let lost = CancellationToken::new();
                self.held.insert(user_id, lost.clone());
                Ok(lost)
            }
            Ok(false) => Err(locked()),
            Err(error) => {
                self.lose();
                Err(error.into())
            }
        }
    }

    async fn try_lock(&mut self, user_id: i64) -> sqlx::Result<bool> {
        in_time(async {
            let connection = match self.connection.take() {
                Some(connection) => connection,
                None => PgConnection::connect_with(&self.pool.connect_options()).await?,
            };
            sqlx::query_scalar!(
                r#"SELECT pg_try_advisory_lock(hashtextextended('postern maildrop ' || $1::bigint, 0))
                   AS "taken!""#,
                user_id
            )
            .fetch_one(self.connection.insert(connection))
            .await
        })
        .await
    }

    async fn unlock(&mut self, user_id: i64) {
        if self.held.remove(&user_id).is_none() {
            return;
        }
        let Some(connection) = &mut self.connection else {
            return;
        };
        let result = sqlx::query_scalar!(
            r#"SELECT pg_advisory_unlock(hashtextextended('postern maildrop ' || $1::bigint, 0))"#,
            user_id
        )
        .fetch_one(connection);
        if in_time(result).await.is_err() {
            self.lose();
        }
    }

    async fn try_connection(&mut self) {
        let alive = match &mut self.connection {
            None => false,
            Some(connection) => in_time(connection.ping()).await.is_ok(),
        };
        if !alive {
            self.lose();
        }
    }

    /// Drops the connection, and all locks with it.
    fn lose(&mut self) {
        self.connection = None;
        for (_, lost) in self.held.drain() {
            lost.cancel();
        }
    }
}

/// Applies the timeout: one connection serves all locks, and a silent Postgres must not block every caller.
async fn in_time<T>(answer: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    tokio::time::timeout(TRIED_EVERY, answer)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}

fn locked() -> Error {
    Error::Precondition("another session has locked the maildrop".into())
}
