//! Derived messages: their parents and depths.

use std::collections::HashMap;

use sqlx::PgConnection;

/// The derivation of one message from another.
#[derive(Debug)]
pub(crate) struct Derivation {
    pub(crate) at: i64,
    pub(crate) message_id: i64,
    pub(crate) parent_id: i64,
    /// A `postern.queue.v1.DerivedKind`.
    pub(crate) kind: i16,
    pub(crate) recipient_ids: Vec<i64>,
}

/// The depths of those messages that are in the queue.
pub(crate) async fn depths(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, i16>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, depth FROM queue.message WHERE id = ANY($1)",
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.depth)).collect())
}

/// Stores that a message inserted in the same transaction was derived from another.
pub(crate) async fn note(
    connection: &mut PgConnection,
    derivation: &Derivation,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO queue.derivation (at, message_id, parent_id, kind, recipient_ids)
         VALUES ($1, $2, $3, $4, $5)",
        derivation.at,
        derivation.message_id,
        derivation.parent_id,
        derivation.kind,
        &derivation.recipient_ids
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The parent of a message, and its derived messages, at most `limit`, in order.
pub(crate) async fn of_message(
    connection: &mut PgConnection,
    message_id: i64,
    limit: i64,
) -> Result<Vec<Derivation>, sqlx::Error> {
    sqlx::query_as!(
        Derivation,
        "SELECT at, message_id, parent_id, kind, recipient_ids FROM queue.derivation
         WHERE message_id = $1 OR parent_id = $1 ORDER BY at, message_id LIMIT $2",
        message_id,
        limit
    )
    .fetch_all(connection)
    .await
}
