//! Messages kept back until an administrator decides. Ordinary mail passes none of these statements.
//!
//! The row in `queue.quarantine` settles races: the decision that deletes it counts.

use sqlx::PgConnection;

use super::listing::Message;

/// Messages that have just been inserted, by column.
#[derive(Debug, Default)]
pub(crate) struct Columns<'a> {
    pub(crate) message_id: Vec<i64>,
    pub(crate) reason: Vec<&'a str>,
    pub(crate) until: Vec<i64>,
    pub(crate) hold_until: Vec<i64>,
}

/// Puts messages inserted in the same transaction into quarantine.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    columns: &Columns<'_>,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH held AS (
            INSERT INTO queue.quarantine (message_id, reason, until, hold_until)
            SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::bigint[], $4::bigint[])
            RETURNING *
         ), waiting AS (
            UPDATE queue.recipient r SET attempts = -1, due_at = h.until
            FROM held h
            WHERE r.id BETWEEN h.message_id << 14 AND (h.message_id << 14) + 16383
            RETURNING r.id, r.address, h.message_id, h.reason
         )
         INSERT INTO queue.history (at, recipient_id, address, reverse_path, outcome, reason,
                                    server, reply, policy_revision, worker, session)
         SELECT $5, w.id, w.address, m.reverse_path, 7, w.reason, '', '', m.policy_revision, '',
                m.session
         FROM waiting w JOIN queue.message m ON m.id = w.message_id",
        &columns.message_id,
        &columns.reason as &[&str],
        &columns.until,
        &columns.hold_until,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A decision about a message.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) recipients: i64,
    /// The id that its front end gave it.
    pub(crate) session: Option<String>,
}

#[derive(Debug)]
struct Counts {
    decided: i64,
    recipients: i64,
    session: Option<String>,
}

impl Counts {
    fn decided(self) -> Option<Decided> {
        (self.decided > 0).then_some(Decided {
            recipients: self.recipients,
            session: self.session,
        })
    }
}

/// Releases a message, for the given reason. Its lifetime begins, and its recipients are due now or at the
/// end of their hold. `None` if it is not in quarantine.
pub(crate) async fn release(
    connection: &mut PgConnection,
    message_id: i64,
    reason: &str,
    now: i64,
) -> Result<Option<Decided>, sqlx::Error> {
    let counts = sqlx::query_as!(
        Counts,
        r#"WITH released AS (
            DELETE FROM queue.quarantine WHERE message_id = $1 RETURNING message_id, hold_until
         ), message AS (
            UPDATE queue.message m
            SET released_at = GREATEST($3, r.hold_until)
            FROM released r WHERE m.id = r.message_id
            RETURNING m.id, m.reverse_path, m.policy_revision, m.session, r.hold_until
         ), due AS (
            UPDATE queue.recipient r SET attempts = 0, due_at = GREATEST($3, m.hold_until)
            FROM message m
            WHERE r.id BETWEEN m.id << 14 AND (m.id << 14) + 16383 AND r.attempts = -1
            RETURNING r.id, r.address, m.reverse_path, m.policy_revision, m.session
         ), history AS (
            INSERT INTO queue.history (at, recipient_id, address, reverse_path, outcome, reason,
                                       server, reply, policy_revision, worker, session)
            SELECT $3, id, address, reverse_path, 8, $2, '', '', policy_revision, '', session
            FROM due
         )
         SELECT (SELECT count(*) FROM released) AS "decided!",
                (SELECT count(*) FROM due) AS "recipients!",
                (SELECT session FROM message) AS session"#,
        message_id,
        reason,
        now
    )
    .fetch_one(connection)
    .await?;
    Ok(counts.decided())
}

/// Removes a message, for the given reason: its recipients end, and it leaves the queue. `None` if it is not
/// in quarantine.
pub(crate) async fn remove(
    connection: &mut PgConnection,
    message_id: i64,
    reason: &str,
    now: i64,
) -> Result<Option<Decided>, sqlx::Error> {
    let counts = sqlx::query_as!(
        Counts,
        r#"WITH removed AS (
            DELETE FROM queue.quarantine WHERE message_id = $1 RETURNING message_id
         ), message AS (
            DELETE FROM queue.message m USING removed r WHERE m.id = r.message_id
            RETURNING m.id, m.body_id, m.reverse_path, m.policy_revision, m.session
         ), ended AS (
            DELETE FROM queue.recipient r USING message m
            WHERE r.id BETWEEN m.id << 14 AND (m.id << 14) + 16383
            RETURNING r.id, r.address, m.reverse_path, m.policy_revision, m.session
         ), history AS (
            INSERT INTO queue.history (at, recipient_id, address, reverse_path, outcome, reason,
                                       server, reply, policy_revision, worker, session)
            SELECT $3, id, address, reverse_path, 5, $2, '', '', policy_revision, '', session
            FROM ended
         ), garbage AS (
            INSERT INTO volume.garbage (body_id, due_at)
            SELECT body_id, $3 FROM message
            ON CONFLICT (body_id) DO UPDATE SET due_at = LEAST(garbage.due_at, excluded.due_at)
         )
         SELECT (SELECT count(*) FROM removed) AS "decided!",
                (SELECT count(*) FROM ended) AS "recipients!",
                (SELECT session FROM message) AS session"#,
        message_id,
        reason,
        now
    )
    .fetch_one(connection)
    .await?;
    Ok(counts.decided())
}

/// A message whose time in quarantine has ended.
#[derive(Debug)]
pub(crate) struct Overdue {
    pub(crate) message_id: i64,
    /// Length of its time in quarantine, in milliseconds.
    pub(crate) kept: i64,
}

/// Messages whose time has ended at `now`, the most overdue first, at most `limit`.
pub(crate) async fn overdue(
    connection: &mut PgConnection,
    now: i64,
    limit: i64,
) -> Result<Vec<Overdue>, sqlx::Error> {
    sqlx::query_as!(
        Overdue,
        r#"SELECT q.message_id, q.until - m.received_at AS "kept!"
           FROM queue.quarantine q JOIN queue.message m ON m.id = q.message_id
           WHERE q.until <= $1 ORDER BY q.until LIMIT $2"#,
        now,
        limit
    )
    .fetch_all(connection)
    .await
}

/// A search of the quarantine; empty texts match everything.
#[derive(Debug)]
pub(crate) struct QuarantineQuery<'a> {
    pub(crate) after: i64,
    pub(crate) limit: i64,
    pub(crate) sender: &'a str,
    pub(crate) recipient: &'a str,
    pub(crate) reason: &'a str,
}

/// Messages in quarantine after `after`, by id.
pub(crate) async fn list(
    connection: &mut PgConnection,
    wanted: &QuarantineQuery<'_>,
) -> Result<Vec<Message>, sqlx::Error> {
    sqlx::query_as!(
        Message,
        r#"SELECT m.id, m.reverse_path, m.size, m.received_at, m.origin, b.summary, m.options, m.released_at,
                  q.reason AS "quarantine?", q.until AS "quarantined_until?"
           FROM queue.quarantine q
           JOIN queue.message m ON m.id = q.message_id JOIN volume.body b ON b.id = m.body_id
           WHERE q.message_id > $1
             AND ($3 = '' OR strpos(lower(m.reverse_path), lower($3)) > 0)
             AND ($4 = '' OR EXISTS (
                 SELECT FROM queue.recipient r
                 WHERE r.id BETWEEN m.id << 14 AND (m.id << 14) + 16383
                   AND strpos(lower(r.address), lower($4)) > 0))
             AND ($5 = '' OR strpos(lower(q.reason), lower($5)) > 0)
           ORDER BY q.message_id LIMIT $2"#,
        wanted.after,
        wanted.limit,
        wanted.sender,
        wanted.recipient,
        wanted.reason
    )
    .fetch_all(connection)
    .await
}
