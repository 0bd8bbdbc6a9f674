//! Renewal of summaries made by an older scanner.
//!
//! Only the scanner's version is known here, not the content of a summary. The statements contain the
//! current version as a number, and so does the index `body_outdated`, without which they would scan all
//! bodies: a change of [`SCANNER_VERSION`] requires a change of the statements and a migration. A test
//! checks this.

use bytes::Bytes;
use sqlx::{PgConnection, PgPool};

/// The current version of the scanner.
pub const SCANNER_VERSION: u32 = 1;

/// A stored summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The version of its scanner.
    pub scanner_version: i32,
    /// An encoded `postern.message.v1.Summary`.
    pub encoded: Bytes,
}

impl Summary {
    /// A summary of this version of the scanner.
    pub fn new(scanner_version: u32, encoded: impl Into<Bytes>) -> Self {
        Self {
            scanner_version: i32::try_from(scanner_version).unwrap_or(i32::MAX),
            encoded: encoded.into(),
        }
    }
}

/// Up to `limit` bodies with ids above `after` and outdated summaries.
pub async fn find_outdated(pool: &PgPool, after: i64, limit: i64) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM volume.body WHERE scanner_version < 1 AND id > $1 ORDER BY id LIMIT $2",
        after,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Returns those of the bodies whose summaries are still outdated. They are locked until the end of the caller's
/// transaction, against removal and concurrent renewal, but not against readers and deliveries; bodies locked by
/// others are skipped.
pub async fn lock_outdated(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM volume.body WHERE scanner_version < 1 AND id = ANY($1)
         ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
        ids
    )
    .fetch_all(connection)
    .await
}

/// Replaces summaries, in the transaction that locked their bodies.
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

/// Keeps the summaries of unreadable bodies and marks them as current.
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

/// The number of outdated summaries.
pub async fn count_outdated(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM volume.body WHERE scanner_version < 1"#
    )
    .fetch_one(pool)
    .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}
