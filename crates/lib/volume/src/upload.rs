//! Texts that are too large to travel inline: stored before the message that refers to them.
//!
//! An upload holds no transaction while it waits for bytes (I7): each chunk is committed by
//! itself. Its garbage entry comes first, so that what breaks off is removed even when this process
//! ends with it: what failed or was broken off at the next sweep, what is complete and claimed by
//! nobody after ten minutes: its message comes behind it at once, or was refused. What takes longer
//! than a day has lost its first chunks, and fails at its end.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use sqlx::{PgConnection, PgPool};

use crate::chunks::Chunker;
use crate::{DAY_MS, Error, Ids};

/// How long a complete text waits for its message, milliseconds.
const CLAIMED_WITHIN_MS: i64 = 10 * 60 * 1000;

/// A text that waits for its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredText {
    /// The id of the upload, and of the body that will refer to it.
    pub id: i64,
    /// Octets.
    pub size: u64,
}

/// Stores the text that `pieces` brings, to the end of the stream. At most `limit` octets are taken.
/// A stream that was broken off must end in an error, or its half is taken for the whole.
pub async fn store_text<S, E>(
    pool: &PgPool,
    ids: &Ids,
    pieces: S,
    limit: u64,
    now: i64,
) -> Result<StoredText, Error>
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: std::fmt::Display + Send,
{
    let id = ids.take(pool).await?;
    crate::garbage::add(pool, &[id], now.saturating_add(DAY_MS)).await?;
    let pool = pool.clone();
    // A task of its own: a call that is broken off ends with its future, and what it left is still
    // to be put away.
    let storing = tokio::spawn(async move {
        let stored = store(&pool, id, pieces, limit, now).await;
        if stored.is_err() {
            // Else senders who break off again and again fill the disk. Should this fail as well,
            // the entry above is still there.
            let _ = crate::garbage::add(&pool, &[id], now).await;
        }
        stored
    });
    let stored = storing.await;
    stored.unwrap_or_else(|ended| Err(Error::BrokenOff(ended.to_string())))
}

async fn store<S, E>(
    pool: &PgPool,
    id: i64,
    pieces: S,
    limit: u64,
    now: i64,
) -> Result<StoredText, Error>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: std::fmt::Display,
{
    let mut pieces = std::pin::pin!(pieces);
    let begun = Instant::now();
    let mut chunker = Chunker::default();
    let mut size = 0u64;
    let mut n = 0i32;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| Error::BrokenOff(error.to_string()))?;
        size += piece.len() as u64;
        if size > limit {
            return Err(Error::TooLarge(limit));
        }
        chunker.push(&piece);
        while let Some(chunk) = chunker.full() {
            insert_chunk(pool, id, n, &chunk).await?;
            n += 1;
        }
    }
    if let Some(chunk) = chunker.rest() {
        insert_chunk(pool, id, n, &chunk).await?;
    }
    finish(pool, id, size, now, begun.elapsed()).await?;
    Ok(StoredText { id, size })
}

/// The upload is complete, and has a little time from now to be claimed.
async fn finish(
    pool: &PgPool,
    id: i64,
    size: u64,
    begun: i64,
    took: Duration,
) -> Result<(), Error> {
    let octets = i64::try_from(size).unwrap_or(i64::MAX);
    let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    // The entry's row lock decides between this and a sweep, which takes chunks and entry.
    let finished = sqlx::query!(
        "WITH waiting AS (
            UPDATE volume.garbage SET due_at = $4 WHERE body_id = $1 RETURNING body_id
         )
         INSERT INTO volume.upload (id, size, created_at)
         SELECT body_id, $2::bigint, $3::bigint FROM waiting",
        id,
        octets,
        begun,
        begun.saturating_add(took).saturating_add(CLAIMED_WITHIN_MS)
    )
    .execute(pool)
    .await?;
    if finished.rows_affected() == 0 {
        return Err(Error::BrokenOff("it took too long".to_owned()));
    }
    Ok(())
}

async fn insert_chunk(pool: &PgPool, id: i64, n: i32, data: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO volume.chunk (body_id, n, data) VALUES ($1, $2, $3)",
        id,
        n,
        data
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes an upload for the body of the same id, within the transaction that inserts the body.
///
/// An upload can be taken once. It fails when the upload lapsed, was taken before, or has not
/// the size that was declared.
pub async fn claim(connection: &mut PgConnection, text: StoredText) -> Result<(), Error> {
    // The garbage entry first: its row lock decides between this message and a sweep.
    sqlx::query!("DELETE FROM volume.garbage WHERE body_id = $1", text.id)
        .execute(&mut *connection)
        .await?;
    let stored = sqlx::query_scalar!(
        "DELETE FROM volume.upload WHERE id = $1 RETURNING size",
        text.id
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or(Error::Missing(text.id))?;
    let stored = u64::try_from(stored).unwrap_or(0);
    if stored == text.size {
        Ok(())
    } else {
        Err(Error::SizeMismatch {
            id: text.id,
            stored,
            declared: text.size,
        })
    }
}
