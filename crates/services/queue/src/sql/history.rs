//! The history of recipients (I2).

use sqlx::PgConnection;

/// One line of it.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) at: i64,
    pub(crate) recipient_id: i64,
    pub(crate) address: String,
    pub(crate) reverse_path: String,
    pub(crate) outcome: i16,
    pub(crate) reason: String,
    pub(crate) server: String,
    pub(crate) reply: String,
    pub(crate) policy_revision: i64,
    pub(crate) worker: String,
}

/// A message's timeline, at most `limit` lines, in order.
pub(crate) async fn of_message(
    connection: &mut PgConnection,
    message_id: i64,
    limit: i64,
) -> Result<Vec<Event>, sqlx::Error> {
    sqlx::query_as!(
        Event,
        "SELECT at, recipient_id, address, reverse_path, outcome, reason, server, reply,
                policy_revision, worker
         FROM queue.history
         WHERE recipient_id BETWEEN $1::bigint << 14 AND ($1::bigint << 14) + 16383
         ORDER BY at, recipient_id LIMIT $2",
        message_id,
        limit
    )
    .fetch_all(connection)
    .await
}
