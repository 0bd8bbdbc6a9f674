//! Removes bodies that nothing refers to.
//!
//! A dropped reference makes the body a candidate; a sweep tries to delete the due candidates. So references
//! are not counted, and no body is deleted too early. What prevents a deletion decides about the candidate:
//!
//! - A foreign key: another reference exists, and whoever drops it adds the candidate again, in the same
//!   transaction and before it deletes the reference. The candidate is dropped. If the two meet, the one that adds
//!   waits for the sweep, and then inserts anew.
//! - A trigger's `object_in_use`: another reference exists, but whoever drops it may not add the candidate. It is
//!   tried again a day later.
//! - A lock of another transaction: it is tried again a day later, too.
//!
//! Lock order: garbage, bodies, references. A sweep waits for neither of the first two, since callers that
//! add references lock bodies in their own order, and only a moment for the third.

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
    /// Candidates that are referenced, dropped: whoever drops the last reference adds them again.
    pub referenced: u64,
    /// Candidates that are in use or locked, to be tried again a day later.
    pub postponed: u64,
}

impl Swept {
    /// Whether there was no candidate.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// The result of a deletion.
#[derive(Debug, Clone, Copy)]
enum Deletion {
    Done,
    /// Prevented by a foreign key.
    Referenced,
    /// Prevented by a trigger or a lock.
    InUse,
}

/// Candidates that were not removed.
#[derive(Debug, Default)]
struct Left {
    referenced: Vec<i64>,
    in_use: Vec<i64>,
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
        // Deletions of references that are not committed yet: their transactions may wait for this one.
        sqlx::query!("SET LOCAL lock_timeout = '100ms'")
            .execute(&mut *transaction)
            .await?;
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
        let (free, busy) = lock_bodies(&mut transaction, due).await?;
        let mut left = remove(&mut transaction, &free).await?;
        left.in_use.extend(busy);
        drop_candidates(&mut transaction, &left.referenced).await?;
        postpone(&mut transaction, &left.in_use, now).await?;
        transaction.commit().await?;
        let (referenced, postponed) = (left.referenced.len() as u64, left.in_use.len() as u64);
        swept.removed += count - referenced - postponed;
        swept.referenced += referenced;
        swept.postponed += postponed;
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

/// Removes those of `ids` that nothing prevents; returns the others.
async fn remove(connection: &mut PgConnection, ids: &[i64]) -> Result<Left, sqlx::Error> {
    let mut left = Left::default();
    // All at once if possible; otherwise by halves, until those that cannot be removed are isolated.
    let mut parts = vec![ids];
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        match (delete(connection, part).await?, part) {
            (Deletion::Done, _) => {}
            (Deletion::Referenced, [id]) => left.referenced.push(*id),
            (Deletion::InUse, [id]) => left.in_use.push(*id),
            _ => parts.extend(<[_; 2]>::from(part.split_at(part.len() / 2))),
        }
    }
    Ok(left)
}

/// Deletes all of `ids`, or none if one of them is referenced or in use.
async fn delete(connection: &mut PgConnection, ids: &[i64]) -> Result<Deletion, sqlx::Error> {
    let mut savepoint = Connection::begin(connection).await?;
    let result = sqlx::query!("DELETE FROM volume.body WHERE id = ANY($1)", ids)
        .execute(&mut *savepoint)
        .await;
    if let Err(error) = result {
        let prevented = prevented(&error).ok_or(error)?;
        savepoint.rollback().await?;
        return Ok(prevented);
    }
    let connection = savepoint.acquire().await?;
    sqlx::query!("DELETE FROM volume.chunk WHERE body_id = ANY($1)", ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM volume.upload WHERE id = ANY($1)", ids)
        .execute(&mut *connection)
        .await?;
    drop_candidates(connection, ids).await?;
    savepoint.commit().await?;
    Ok(Deletion::Done)
}

/// What prevented a deletion; `None` if it failed otherwise.
fn prevented(error: &sqlx::Error) -> Option<Deletion> {
    if database::is_foreign_key_violation(error) {
        Some(Deletion::Referenced)
    } else if database::is_object_in_use(error) || database::is_lock_timeout(error) {
        Some(Deletion::InUse)
    } else {
        None
    }
}

async fn drop_candidates(connection: &mut PgConnection, ids: &[i64]) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!("DELETE FROM volume.garbage WHERE body_id = ANY($1)", ids)
        .execute(connection)
        .await?;
    Ok(())
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
