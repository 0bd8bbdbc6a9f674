//! Outcomes: recipients that reached their end or are to be tried again, with their history.

use sqlx::PgConnection;

/// A batch of outcomes, by column, each lease once.
#[derive(Debug, Default)]
pub(crate) struct Columns<'a> {
    pub(crate) id: Vec<i64>,
    pub(crate) epoch: Vec<i32>,
    /// A `postern.queue.v1.Outcome`; 1 is delivery to a mailbox of this system, 6 is a retry.
    pub(crate) outcome: Vec<i16>,
    pub(crate) reason: Vec<&'a str>,
    pub(crate) server: Vec<&'a str>,
    pub(crate) reply: Vec<&'a str>,
    pub(crate) policy_revision: Vec<i64>,
    pub(crate) retry_at: Vec<i64>,
    pub(crate) delay_notified: Vec<bool>,
}

/// The result of a batch.
#[derive(Debug, Default)]
pub(crate) struct Completed {
    /// Leases whose outcomes were recorded. The others were stale.
    pub(crate) taken: Vec<(i64, i32)>,
    /// Messages without waiting recipients, which remain to be removed ([`remove_ended`]).
    pub(crate) ended: Vec<i64>,
}

/// Records outcomes of leases that still hold (I4). Outside a transaction it is one of its own.
///
/// A message whose recipients all end in this batch is removed at once. Otherwise a counter in its row says
/// how many are left: two replicas may end its last recipients at the same time, and neither sees the other's
/// deletions.
pub(crate) async fn complete(
    connection: &mut PgConnection,
    columns: &Columns<'_>,
    now: i64,
) -> Result<Completed, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH input AS (
            SELECT * FROM UNNEST($1::bigint[], $2::integer[], $3::smallint[], $4::text[],
                                 $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bool[])
                AS i (id, epoch, outcome, reason, server, reply, policy_revision, retry_at,
                      delay_notified)
         ), ended AS (
            DELETE FROM queue.recipient r USING input i
            WHERE r.id = i.id AND r.epoch = i.epoch AND r.leased AND i.outcome <> 6
            RETURNING i.*, r.address, r.worker
         ), again AS (
            UPDATE queue.recipient r
            SET leased = false, attempts = r.attempts + 1, due_at = i.retry_at,
                delay_notified = r.delay_notified OR i.delay_notified, last_reason = i.reason
            FROM input i
            WHERE r.id = i.id AND r.epoch = i.epoch AND r.leased AND i.outcome = 6
            RETURNING i.*, r.address, r.worker
         ), events AS (
            SELECT * FROM ended UNION ALL SELECT * FROM again
         ), history AS (
            INSERT INTO queue.history (at, recipient_id, address, reverse_path, outcome, reason,
                                       server, reply, policy_revision, worker, session)
            SELECT $10, e.id, e.address, m.reverse_path, e.outcome, e.reason, e.server, e.reply,
                   e.policy_revision, e.worker, m.session
            FROM events e JOIN queue.message m ON m.id = e.id >> 14
         ), counted AS (
            SELECT id >> 14 AS id, count(*)::integer AS ended, bool_or(outcome = 1) AS kept
            FROM ended GROUP BY 1
         ), gone AS (
            DELETE FROM queue.message m USING counted c
            WHERE m.id = c.id AND m.recipients = c.ended
            RETURNING m.body_id, c.kept
         ), fewer AS (
            UPDATE queue.message m SET pending = m.pending - c.ended, kept = m.kept OR c.kept
            FROM counted c WHERE m.id = c.id AND m.recipients <> c.ended
            RETURNING m.id, m.pending
         ), garbage AS (
            INSERT INTO volume.garbage (body_id, due_at)
            SELECT DISTINCT body_id, $10::bigint FROM gone WHERE NOT kept ORDER BY body_id
            ON CONFLICT (body_id) DO UPDATE SET due_at = LEAST(garbage.due_at, excluded.due_at)
         )
         SELECT id AS "id!", epoch AS "epoch!", false AS "is_message!" FROM events
         UNION ALL SELECT id, 0, true FROM fewer WHERE pending <= 0"#,
        &columns.id,
        &columns.epoch,
        &columns.outcome,
        &columns.reason as &[&str],
        &columns.server as &[&str],
        &columns.reply as &[&str],
        &columns.policy_revision,
        &columns.retry_at,
        &columns.delay_notified,
        now,
    )
    .fetch_all(connection)
    .await?;
    let mut completed = Completed::default();
    for row in rows {
        if row.is_message {
            completed.ended.push(row.id);
        } else {
            completed.taken.push((row.id, row.epoch));
        }
    }
    Ok(completed)
}

/// Removes those of the messages that have no waiting recipient.
pub(crate) async fn remove_ended(
    connection: &mut PgConnection,
    ids: &[i64],
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH gone AS (
            DELETE FROM queue.message WHERE id = ANY($1) AND pending <= 0 RETURNING body_id, kept
         )
         INSERT INTO volume.garbage (body_id, due_at)
         SELECT DISTINCT body_id, $2::bigint FROM gone WHERE NOT kept ORDER BY body_id
         ON CONFLICT (body_id) DO UPDATE SET due_at = LEAST(garbage.due_at, excluded.due_at)",
        ids,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Messages whose removal was interrupted.
pub(crate) async fn find_ended(connection: &mut PgConnection) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!("SELECT id FROM queue.message WHERE pending <= 0 LIMIT 1000")
        .fetch_all(connection)
        .await
}
