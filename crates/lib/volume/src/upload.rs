//! Texts that are too large to travel inline: stored before the message that refers to them.
//!
//! An upload holds no transaction while it waits for bytes (I7): each chunk is committed separately. Its
//! garbage entry is inserted first, so that an aborted upload is removed even if this process ends: a
//! failed one at the next sweep, a complete one without a message after ten minutes, since its message
//! follows at once or was refused. An upload that takes longer than a day loses its first chunks and fails
//! at its end.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use sqlx::{PgConnection, PgPool};

use crate::chunks::Chunker;
use crate::{DAY_MS, Error, Ids};

/// How long a complete text waits for its message, in milliseconds.
const CLAIMED_WITHIN_MS: i64 = 10 * 60 * 1000;

/// Octets of a token: a random UUID.
const TOKEN_SIZE: usize = 16;

/// A stored text that waits for its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredText {
    /// The id of the upload, and of its future body.
    pub id: i64,
    /// Random octets, without which the upload cannot be claimed.
    pub token: [u8; TOKEN_SIZE],
    /// Octets.
    pub size: u64,
}

impl StoredText {
    /// The name of the upload, for the uploader: id and token.
    pub fn name(&self) -> Bytes {
        [&self.id.to_be_bytes()[..], &self.token].concat().into()
    }

    /// The upload with this name, declared to have `size` octets. Fails if the name is malformed.
    pub fn named(name: &[u8], size: u64) -> Result<Self, Error> {
        let (id, token) = name.split_first_chunk().ok_or(Error::NoUpload)?;
        Ok(Self {
            id: i64::from_be_bytes(*id),
            token: token.try_into().map_err(|_| Error::NoUpload)?,
            size,
        })
    }
}

/// Stores the text from `pieces`, to the end of the stream, at most `limit` octets. An aborted stream must
/// end with an error, otherwise a part counts as the whole.
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
    // A separate task: an aborted call drops its future, and its remains must still be removed.
    let storing = tokio::spawn(async move {
        let stored = store(&pool, id, pieces, limit, now).await;
        if stored.is_err() {
            // Otherwise senders that abort repeatedly fill the disk. If this fails too, the entry inserted
            // first remains.
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
    let token = finish(pool, id, size, now, begun.elapsed()).await?;
    Ok(StoredText { id, token, size })
}

/// Completes the upload, which can be claimed for a limited time from now. Returns its token.
async fn finish(
    pool: &PgPool,
    id: i64,
    size: u64,
    begun: i64,
    took: Duration,
) -> Result<[u8; TOKEN_SIZE], Error> {
    let octets = i64::try_from(size).unwrap_or(i64::MAX);
    let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    // The entry's row lock decides between this and a sweep, which removes chunks and entry.
    let token = sqlx::query_scalar!(
        "WITH waiting AS (
            UPDATE volume.garbage SET due_at = $4 WHERE body_id = $1 RETURNING body_id
         )
         INSERT INTO volume.upload (id, size, created_at)
         SELECT body_id, $2::bigint, $3::bigint FROM waiting
         RETURNING token",
        id,
        octets,
        begun,
        begun.saturating_add(took).saturating_add(CLAIMED_WITHIN_MS)
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| Error::BrokenOff("it took too long".to_owned()))?;
    token.try_into().map_err(|_| Error::NoUpload)
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

/// Claims an upload for the body with the same id, in the transaction that inserts the body.
///
/// An upload can be claimed once. Fails if the upload has expired, was claimed before, has another token, or
/// has another size than declared. The caller then rolls back.
pub async fn claim(connection: &mut PgConnection, text: StoredText) -> Result<(), Error> {
    // The garbage entry first: its row lock decides between this message and a sweep.
    sqlx::query!("DELETE FROM volume.garbage WHERE body_id = $1", text.id)
        .execute(&mut *connection)
        .await?;
    let stored = sqlx::query_scalar!(
        "DELETE FROM volume.upload WHERE id = $1 AND token = $2 RETURNING size",
        text.id,
        text.token.as_slice()
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or(Error::NoUpload)?;
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
