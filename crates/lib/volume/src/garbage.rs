//! Removing bodies that nothing refers to any more.
//!
//! Whoever drops a reference names the body as a candidate; a sweep tries to delete those that
//! are due. A foreign key that objects means that another reference is left: the candidate is
//! looked at again a day later. So nobody counts references, and no body goes too early.
//!
//! Locks are taken in this order: garbage, bodies, what refers to them. A sweep waits for neither
//! of the first two, since who refers to a body anew holds bodies in an order of their own.

use std::collections::HashSet;

use sqlx::{Acquire, Connection, Executor, PgConnection, PgPool, Postgres};

use crate::DAY_MS;

/// Candidates looked at in one transaction.
const BATCH: i64 = 500;

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Bodies and uploads removed.
    pub removed: u64,
    /// Candidates that are still referred to.
    pub kept: u64,
}

/// Names candidates, to be tried from `due_at` on (milliseconds since 1970).
pub async fn add<'e, E>(executor: E, ids: &[i64], due_at: i64) -> Result<(), sqlx::Error>
where
    E: Executor<'e, Database = Postgres>,
{
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO volume.garbage (body_id, due_at)
         SELECT DISTINCT id, $2::bigint FROM UNNEST($1::bigint[]) AS id ORDER BY id
         ON CONFLICT (body_id) DO UPDATE SET due_at = LEAST(garbage.due_at, excluded.due_at)",
        ids,
        due_at
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Tries every candidate that is due at `now`. Any number of processes may sweep at once.
pub async fn sweep(pool: &PgPool, now: i64) -> Result<Swept, sqlx::Error> {
    let mut swept = Swept::default();
    loop {
        let mut transaction = pool.begin().await?;
        let due = sqlx::query_scalar!(
            "SELECT body_id FROM volume.garbage WHERE due_at <= $1
             ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED",
            now,
            BATCH
        )
        .fetch_all(&mut *transaction)
        .await?;
        if due.is_empty() {
            return Ok(swept);
        }
        let count = due.len() as u64;
        let (free, mut kept) = lock_bodies(&mut transaction, due).await?;
        kept.extend(remove(&mut transaction, &free).await?);
        postpone(&mut transaction, &kept, now).await?;
        transaction.commit().await?;
        swept.removed += count - kept.len() as u64;
        swept.kept += kept.len() as u64;
    }
}

/// Tells those that may be tried, their bodies locked, from those whose bodies somebody is just
/// referring to.
async fn lock_bodies(
    connection: &mut PgConnection,
    ids: Vec<i64>,
) -> Result<(Vec<i64>, Vec<i64>), sqlx::Error> {
    let locked = sqlx::query_scalar!(
        "SELECT id FROM volume.body WHERE id = ANY($1) FOR UPDATE SKIP LOCKED",
        &ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let there = sqlx::query_scalar!("SELECT id FROM volume.body WHERE id = ANY($1)", &ids)
        .fetch_all(connection)
        .await?;
    let locked: HashSet<i64> = locked.into_iter().collect();
    let busy: HashSet<i64> = there
        .into_iter()
        .filter(|id| !locked.contains(id))
        .collect();
    Ok(ids.into_iter().partition(|id| !busy.contains(id)))
}

/// Removes those of `ids` that nothing refers to; gives back the others.
async fn remove(connection: &mut PgConnection, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
    let mut kept = Vec::new();
    // All at once where nobody objects; else by halves, until the objectors stand alone.
    let mut parts = vec![ids];
    while let Some(part) = parts.pop() {
        if part.is_empty() || delete(connection, part).await? {
            continue;
        }
        match part {
            [id] => kept.push(*id),
            _ => parts.extend(<[_; 2]>::from(part.split_at(part.len() / 2))),
        }
    }
    Ok(kept)
}

/// Deletes all of `ids` or, when something refers to one of them, none.
async fn delete(connection: &mut PgConnection, ids: &[i64]) -> Result<bool, sqlx::Error> {
    let mut savepoint = Connection::begin(connection).await?;
    let result = sqlx::query!("DELETE FROM volume.body WHERE id = ANY($1)", ids)
        .execute(&mut *savepoint)
        .await;
    match result {
        Err(error) if database::is_foreign_key_violation(&error) => {
            savepoint.rollback().await?;
            return Ok(false);
        }
        result => result?,
    };
    let connection = savepoint.acquire().await?;
    sqlx::query!("DELETE FROM volume.chunk WHERE body_id = ANY($1)", ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM volume.upload WHERE id = ANY($1)", ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM volume.garbage WHERE body_id = ANY($1)", ids)
        .execute(&mut *connection)
        .await?;
    savepoint.commit().await?;
    Ok(true)
}

async fn postpone(connection: &mut PgConnection, ids: &[i64], now: i64) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE volume.garbage SET due_at = $2 WHERE body_id = ANY($1)",
        ids,
        now.saturating_add(DAY_MS)
    )
    .execute(connection)
    .await?;
    Ok(())
}
