//! Listings for the command line and the console.

use sqlx::PgConnection;

/// A message in the queue.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) reverse_path: String,
    pub(crate) size: i64,
    pub(crate) received_at: i64,
    pub(crate) origin: Vec<u8>,
    pub(crate) summary: Vec<u8>,
    /// The reason for its quarantine, if it is in quarantine, and the end of it.
    pub(crate) quarantine: Option<String>,
    pub(crate) quarantined_until: Option<i64>,
    pub(crate) options: Option<Vec<u8>>,
    pub(crate) released_at: i64,
}

/// A recipient that has not reached its end.
#[derive(Debug)]
pub(crate) struct Recipient {
    pub(crate) id: i64,
    pub(crate) address: String,
    pub(crate) attempts: i32,
    pub(crate) due_at: i64,
    pub(crate) leased: bool,
    pub(crate) last_reason: String,
}

/// Counts of the queue.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) messages: i64,
    pub(crate) recipients: i64,
    pub(crate) due: i64,
    pub(crate) leased: i64,
    pub(crate) oldest_due: Option<i64>,
    /// Messages in quarantine.
    pub(crate) quarantined: i64,
}

/// Size of the queue, for gauges.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Depth {
    /// Recipients that have not reached their end.
    pub(crate) waiting: i64,
    /// Of these, recipients that would be tried now if a worker took them.
    pub(crate) due: i64,
    /// When the oldest of the due recipients became due.
    pub(crate) oldest_due: Option<i64>,
    /// Messages in quarantine.
    pub(crate) quarantined: i64,
}

/// Messages after `after`, by id. The reverse-path and at least one recipient contain the given texts,
/// without regard to case.
pub(crate) async fn messages(
    connection: &mut PgConnection,
    after: i64,
    limit: i64,
    sender: &str,
    recipient: &str,
) -> Result<Vec<Message>, sqlx::Error> {
    sqlx::query_as!(
        Message,
        r#"SELECT m.id, m.reverse_path, m.size, m.received_at, m.origin, b.summary, m.options, m.released_at,
                  q.reason AS "quarantine?", q.until AS "quarantined_until?"
           FROM queue.message m JOIN volume.body b ON b.id = m.body_id
           LEFT JOIN queue.quarantine q ON q.message_id = m.id
           WHERE m.id > $1 AND m.pending > 0
             AND ($3 = '' OR strpos(lower(m.reverse_path), lower($3)) > 0)
             AND ($4 = '' OR EXISTS (
                 SELECT FROM queue.recipient r
                 WHERE r.id BETWEEN m.id << 14 AND (m.id << 14) + 16383
                   AND strpos(lower(r.address), lower($4)) > 0))
           ORDER BY m.id LIMIT $2"#,
        after,
        limit,
        sender,
        recipient
    )
    .fetch_all(connection)
    .await
}

/// One message, while it is in the queue.
pub(crate) async fn message(
    connection: &mut PgConnection,
    id: i64,
) -> Result<Option<Message>, sqlx::Error> {
    sqlx::query_as!(
        Message,
        r#"SELECT m.id, m.reverse_path, m.size, m.received_at, m.origin, b.summary, m.options, m.released_at,
                  q.reason AS "quarantine?", q.until AS "quarantined_until?"
           FROM queue.message m JOIN volume.body b ON b.id = m.body_id
           LEFT JOIN queue.quarantine q ON q.message_id = m.id
           WHERE m.id = $1 AND m.pending > 0"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// The body and the prefix of a message that is in the queue.
pub(crate) async fn bytes(
    connection: &mut PgConnection,
    id: i64,
) -> Result<Option<(i64, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT body_id, prefix FROM queue.message WHERE id = $1 AND pending > 0",
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.body_id, row.prefix)))
}

/// Waiting recipients, at most `limit` per message.
pub(crate) async fn recipients(
    connection: &mut PgConnection,
    message_ids: &[i64],
    limit: i64,
) -> Result<Vec<Recipient>, sqlx::Error> {
    sqlx::query_as!(
        Recipient,
        r#"SELECT r.id AS "id!", r.address AS "address!", r.attempts AS "attempts!",
                  r.due_at AS "due_at!", r.leased AS "leased!", r.last_reason AS "last_reason!"
           FROM UNNEST($1::bigint[]) AS m (id), LATERAL (
               SELECT * FROM queue.recipient
               WHERE recipient.id BETWEEN m.id << 14 AND (m.id << 14) + 16383
               ORDER BY recipient.id LIMIT $2) r
           ORDER BY r.id"#,
        message_ids,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Counts the queue at `now`.
pub(crate) async fn counts(connection: &mut PgConnection, now: i64) -> Result<Counts, sqlx::Error> {
    sqlx::query_as!(
        Counts,
        r#"SELECT (SELECT count(*) FROM queue.message WHERE pending > 0) AS "messages!",
                  count(*) AS "recipients!",
                  count(*) FILTER (WHERE due_at <= $1 AND attempts >= 0) AS "due!",
                  count(*) FILTER (WHERE leased AND due_at > $1) AS "leased!",
                  -- What is urgent is due before it came.
                  min(GREATEST(due_at, asked.received_at))
                      FILTER (WHERE due_at <= $1 AND attempts >= 0) AS oldest_due,
                  (SELECT count(*) FROM queue.quarantine) AS "quarantined!"
           FROM queue.recipient LEFT JOIN (
               SELECT id, received_at FROM queue.message WHERE options IS NOT NULL
           ) AS asked ON asked.id = recipient.id >> 14"#,
        now
    )
    .fetch_one(connection)
    .await
}

/// Size of the queue at `now`. Reads an index of all recipients and one of those that are due.
pub(crate) async fn depth(connection: &mut PgConnection, now: i64) -> Result<Depth, sqlx::Error> {
    sqlx::query_as!(
        Depth,
        r#"SELECT (SELECT count(*) FROM queue.recipient) AS "waiting!",
                  (SELECT count(*) FROM queue.recipient WHERE attempts = 0 AND due_at <= $1)
                  + (SELECT count(*) FROM queue.recipient WHERE attempts > 0 AND due_at <= $1)
                      AS "due!",
                  -- What is urgent is due before it came.
                  LEAST(
                      (SELECT GREATEST(r.due_at, m.received_at)
                       FROM queue.recipient r JOIN queue.message m ON m.id = r.id >> 14
                       WHERE r.attempts = 0 AND r.due_at <= $1 ORDER BY r.due_at LIMIT 1),
                      (SELECT min(due_at) FROM queue.recipient WHERE attempts > 0 AND due_at <= $1)
                  ) AS oldest_due,
                  (SELECT count(*) FROM queue.quarantine) AS "quarantined!""#,
        now
    )
    .fetch_one(connection)
    .await
}
