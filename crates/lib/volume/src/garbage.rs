//! Removes bodies that nothing refers to.
//!
//! A dropped reference makes the body a candidate; a sweep tries to delete the due candidates. If a foreign
//! key prevents it, another reference exists, and the candidate is tried again a day later. So references
//! are not counted, and no body is deleted too early.
//!
//! Lock order: garbage, bodies, references. A sweep waits for neither of the first two, since callers that
//! add references lock bodies in their own order.

use std::collections::HashSet;

use sqlx::{Acquire, Connection, Executor, PgConnection, PgPool, Postgres};

use crate::DAY_MS;

/// Candidates in one transaction.
const BATCH: i64 = 500;

/// The result of a sweep.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Removed bodies and uploads.
    pub removed: u64,
    /// Candidates that are still referenced.
    pub kept: u64,
}

/// Adds candidates, to be tried from `due_at` on (milliseconds since 1970).
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

/// Tries every candidate due at `now`. Any number of processes may sweep at once.
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

/// Returns the candidates whose bodies could be locked; others are getting a new reference now.
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

/// Removes those of `ids` without references; returns the others.
async fn remove(connection: &mut PgConnection, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
    let mut kept = Vec::new();
    // All at once if possible; otherwise by halves, until the referenced ones are isolated.
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

/// Deletes all of `ids`, or none if one of them is referenced.
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
