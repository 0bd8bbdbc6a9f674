//! Summaries that an older scanner made, to be made anew.
//!
//! What is in a summary is not known here, only which version of the scanner made it. The statements
//! name today's version as a number, and so does the index `body_outdated`, without which they would
//! read all bodies: whoever raises [`SCANNER_VERSION`] changes them and adds a migration. A test says
//! when that was forgotten.

use bytes::Bytes;
use sqlx::{PgConnection, PgPool};

/// Version of the scanner whose summaries are up to date.
pub const SCANNER_VERSION: u32 = 1;

/// A summary as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Version of the scanner that made it.
    pub scanner_version: i32,
    /// An encoded `postern.message.v1.Summary`.
    pub encoded: Bytes,
}

impl Summary {
    /// Of that version of the scanner.
    pub fn new(scanner_version: u32, encoded: impl Into<Bytes>) -> Self {
        Self {
            scanner_version: i32::try_from(scanner_version).unwrap_or(i32::MAX),
            encoded: encoded.into(),
        }
    }
}

/// Up to `limit` bodies behind `after`, by id, whose summaries are outdated. They are locked until the
/// caller's transaction ends, against removal and others who make summaries anew, not against readers
/// and deliveries; those that others hold are left out.
pub async fn lock_outdated(
    connection: &mut PgConnection,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM volume.body WHERE scanner_version < 1 AND id > $1
         ORDER BY id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
        after,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Replaces summaries, within the transaction that locked their bodies.
pub async fn renew(
    connection: &mut PgConnection,
    renewed: &[(i64, Summary)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<i64> = renewed.iter().map(|(id, _)| *id).collect();
    let versions: Vec<i32> = renewed
        .iter()
        .map(|(_, summary)| summary.scanner_version)
        .collect();
    let encoded: Vec<&[u8]> = renewed
        .iter()
        .map(|(_, summary)| &*summary.encoded)
        .collect();
    sqlx::query!(
        "UPDATE volume.body SET summary = renewed.summary, scanner_version = renewed.version
         FROM UNNEST($1::bigint[], $2::integer[], $3::bytea[]) AS renewed (id, version, summary)
         WHERE body.id = renewed.id",
        &ids,
        &versions,
        &encoded as &[&[u8]]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the summaries of bodies that cannot be read, and does not try them again.
pub async fn pass_over(connection: &mut PgConnection, ids: &[i64]) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE volume.body SET scanner_version = 1 WHERE id = ANY($1)",
        ids
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many summaries are outdated.
pub async fn count_outdated(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM volume.body WHERE scanner_version < 1"#
    )
    .fetch_one(pool)
    .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}
