//! Leasing, renewing and releasing recipients (I4).

use sqlx::PgConnection;

/// A recipient just leased, with its message's envelope.
#[derive(Debug)]
pub(crate) struct Leased {
    pub(crate) id: i64,
    pub(crate) epoch: i32,
    pub(crate) address: String,
    pub(crate) original_recipient: String,
    pub(crate) notify: i16,
    pub(crate) attempts: i32,
    pub(crate) delay_notified: bool,
    pub(crate) retry_asked_at: Option<i64>,
    pub(crate) message_id: i64,
    pub(crate) body_id: i64,
    pub(crate) prefix: Vec<u8>,
    pub(crate) size: i64,
    pub(crate) reverse_path: String,
    pub(crate) received_at: i64,
    pub(crate) flags: i16,
    pub(crate) envelope_id: String,
    pub(crate) return_content: i16,
    pub(crate) options: Option<Vec<u8>>,
    pub(crate) released_at: i64,
    pub(crate) session: Option<String>,
    pub(crate) depth: i16,
}

/// The kind of due recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Recipients that were never tried.
    First,
    /// Recipients whose earlier attempts failed temporarily.
    Again,
}

/// Leases at most `limit` recipients that are due at `now`, oldest first, until `until`. Recipients of one
/// message are adjacent.
pub(crate) async fn lease(
    connection: &mut PgConnection,
    turn: Turn,
    worker: &str,
    limit: i64,
    now: i64,
    until: i64,
) -> Result<Vec<Leased>, sqlx::Error> {
    // The same statement twice, so that each names the condition of its partial index.
    match turn {
        Turn::First => {
            sqlx::query_as!(
                Leased,
                r#"WITH leased AS (
                    UPDATE queue.recipient
                    SET leased = true, worker = $1, epoch = epoch + 1, due_at = $4
                    WHERE id = ANY(ARRAY(
                        SELECT id FROM queue.recipient WHERE attempts = 0 AND due_at <= $3
                        ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
                    RETURNING *
                   )
                   SELECT r.id, epoch, address, original_recipient, notify, attempts,
                          delay_notified, retry_asked_at, m.id AS message_id, body_id, prefix, size,
                          reverse_path, received_at, flags, envelope_id, return_content, options, released_at, session, depth
                   FROM leased r JOIN queue.message m ON m.id = r.id >> 14 ORDER BY r.id"#,
                worker,
                limit,
                now,
                until
            )
            .fetch_all(connection)
            .await
        }
        Turn::Again => {
            sqlx::query_as!(
                Leased,
                r#"WITH leased AS (
                    UPDATE queue.recipient
                    SET leased = true, worker = $1, epoch = epoch + 1, due_at = $4
                    WHERE id = ANY(ARRAY(
                        SELECT id FROM queue.recipient WHERE attempts > 0 AND due_at <= $3
                        ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
                    RETURNING *
                   )
                   SELECT r.id, epoch, address, original_recipient, notify, attempts,
                          delay_notified, retry_asked_at, m.id AS message_id, body_id, prefix, size,
                          reverse_path, received_at, flags, envelope_id, return_content, options, released_at, session, depth
                   FROM leased r JOIN queue.message m ON m.id = r.id >> 14 ORDER BY r.id"#,
                worker,
                limit,
                now,
                until
            )
            .fetch_all(connection)
            .await
        }
    }
}

/// When the next recipient becomes due, if there is one.
pub(crate) async fn next_due(connection: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT LEAST((SELECT min(due_at) FROM queue.recipient WHERE attempts = 0),
                      (SELECT min(due_at) FROM queue.recipient WHERE attempts > 0))"
    )
    .fetch_one(connection)
    .await
}

/// Renews `worker`'s leases. Returns those that still hold.
pub(crate) async fn renew(
    connection: &mut PgConnection,
    worker: &str,
    ids: &[i64],
    epochs: &[i32],
    until: i64,
) -> Result<Vec<(i64, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        "UPDATE queue.recipient r SET due_at = $4
         FROM UNNEST($2::bigint[], $3::integer[]) AS k (id, epoch)
         WHERE r.id = k.id AND r.epoch = k.epoch AND r.leased AND r.worker = $1
         RETURNING r.id, r.epoch",
        worker,
        ids,
        epochs,
        until
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.epoch)).collect())
}

/// Ends leases early: the recipients are due at once.
pub(crate) async fn release(
    connection: &mut PgConnection,
    ids: &[i64],
    epochs: &[i32],
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE queue.recipient r SET leased = false, due_at = $3
         FROM UNNEST($1::bigint[], $2::integer[]) AS k (id, epoch)
         WHERE r.id = k.id AND r.epoch = k.epoch AND r.leased",
        ids,
        epochs,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}
