//! The history of recipients (I2).

use sqlx::PgConnection;

/// One line of the history.
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
    /// `None` for a derived message.
    pub(crate) session: Option<String>,
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
                policy_revision, worker, session
         FROM queue.history
         WHERE recipient_id BETWEEN $1::bigint << 14 AND ($1::bigint << 14) + 16383
         ORDER BY at, recipient_id LIMIT $2",
        message_id,
        limit
    )
    .fetch_all(connection)
    .await
}

/// A search of the history. Empty texts match everything.
#[derive(Debug)]
pub(crate) struct HistoryQuery<'a> {
    /// Events from this time on, and before that one.
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// The event after which to continue, by time and recipient.
    pub(crate) after: (i64, i64),
    /// The range of recipient ids of one message; from 0 on for all messages.
    pub(crate) first_recipient: i64,
    pub(crate) last_recipient: i64,
    pub(crate) sender: &'a str,
    pub(crate) recipient: &'a str,
    pub(crate) limit: i64,
}

/// Events, newest first. `$condition` is the part that an index answers.
macro_rules! events {
    ($connection:expr, $wanted:expr, $condition:literal) => {
        sqlx::query_as!(
            Event,
            "SELECT at, recipient_id, address, reverse_path, outcome, reason, server, reply,
                    policy_revision, worker, session
             FROM queue.history
             WHERE at >= $1 AND at < $2 AND (at, recipient_id) < ($3, $4)
               AND ($5 = '' OR strpos(lower(reverse_path), lower($5)) > 0)
               AND ($6 = '' OR strpos(lower(address), lower($6)) > 0)
               AND "
                + $condition
                + "
             ORDER BY at DESC, recipient_id DESC LIMIT $9",
            $wanted.from,
            $wanted.until,
            $wanted.after.0,
            $wanted.after.1,
            $wanted.sender,
            $wanted.recipient,
            $wanted.first_recipient,
            $wanted.last_recipient,
            $wanted.limit
        )
        .fetch_all($connection)
        .await
    };
}

/// A page of the history.
pub(crate) async fn search(
    connection: &mut PgConnection,
    wanted: &HistoryQuery<'_>,
) -> Result<Vec<Event>, sqlx::Error> {
    // The same statement several times, so that each names a condition that an index answers.
    if wanted.first_recipient > 0 {
        events!(connection, wanted, "recipient_id BETWEEN $7 AND $8")
    } else if is_address(wanted.recipient) {
        events!(
            connection,
            wanted,
            "lower(address) = lower($6) AND recipient_id BETWEEN $7 AND $8"
        )
    } else if is_address(wanted.sender) {
        events!(
            connection,
            wanted,
            "lower(reverse_path) = lower($5) AND recipient_id BETWEEN $7 AND $8"
        )
    } else {
        events!(connection, wanted, "recipient_id + 0 BETWEEN $7 AND $8")
    }
}

/// Whether the text is a whole address, which is matched exactly.
fn is_address(text: &str) -> bool {
    text.rsplit_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// The message with this id of its front end, while it is in the queue or in the history.
pub(crate) async fn message_of_session(
    connection: &mut PgConnection,
    session: &str,
) -> Result<Option<i64>, sqlx::Error> {
    let remembered = sqlx::query_scalar!(
        r#"SELECT recipient_id >> 14 AS "id!" FROM queue.history WHERE session = $1 LIMIT 1"#,
        session
    )
    .fetch_optional(&mut *connection)
    .await?;
    if remembered.is_some() {
        return Ok(remembered);
    }
    // There is no index on it: each accepted message would have to pay for one.
    sqlx::query_scalar!(
        "SELECT id FROM queue.message WHERE session = $1 LIMIT 1",
        session
    )
    .fetch_optional(connection)
    .await
}
