//! The delivery ledger: delivered recipients. A row is written with its message, in one transaction (I3).

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};

use crate::Result;

/// Longer than the queue keeps any recipient.
const KEPT_MS: i64 = 60 * 24 * 60 * 60 * 1000;

/// Rows removed at a time.
const BATCH: i64 = 10_000;

/// UIDs of the delivered ones among these recipients.
pub(super) async fn find(
    connection: &mut PgConnection,
    recipients: &[i64],
) -> Result<HashMap<i64, i64>> {
    let rows = sqlx::query!(
        "SELECT recipient_id, uid FROM mailbox.delivery WHERE recipient_id = ANY($1)",
        recipients
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.recipient_id, row.uid))
        .collect())
}

/// Removes deliveries too old to be repeated; returns their number.
pub async fn forget_old(pool: &PgPool, now: i64) -> Result<u64> {
    let mut forgotten = 0;
    loop {
        let result = sqlx::query!(
            "DELETE FROM mailbox.delivery WHERE recipient_id IN
                 (SELECT recipient_id FROM mailbox.delivery WHERE delivered_at < $1 LIMIT $2)",
            now - KEPT_MS,
            BATCH
        )
        .execute(pool)
        .await?;
        forgotten += result.rows_affected();
        if result.rows_affected() < BATCH.unsigned_abs() {
            return Ok(forgotten);
        }
    }
}
