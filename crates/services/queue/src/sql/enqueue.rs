//! Bodies, messages and recipients of a batch of submissions, in one statement.

use sqlx::PgConnection;

/// The rows of a batch, by column.
#[derive(Debug, Default)]
pub(crate) struct Columns<'a> {
    pub(crate) body: BodyColumns<'a>,
    pub(crate) id: Vec<i64>,
    pub(crate) body_id: Vec<i64>,
    pub(crate) prefix: Vec<&'a [u8]>,
    pub(crate) size: Vec<i64>,
    pub(crate) reverse_path: Vec<&'a str>,
    pub(crate) flags: Vec<i16>,
    pub(crate) envelope_id: Vec<&'a str>,
    pub(crate) return_content: Vec<i16>,
    pub(crate) origin: Vec<&'a [u8]>,
    pub(crate) policy_revision: Vec<i64>,
    /// `None` for ordinary mail.
    pub(crate) options: Vec<Option<&'a [u8]>>,
    /// End of the hold; 0 for a message that is not held.
    pub(crate) released_at: Vec<i64>,
    /// `None` for a derived message.
    pub(crate) session: Vec<Option<&'a str>>,
    /// Derivation depths.
    pub(crate) depth: Vec<i16>,
    pub(crate) recipients: Vec<i32>,
    pub(crate) recipient: RecipientColumns<'a>,
}

/// The bodies that come with the messages of the batch. The others are stored already.
#[derive(Debug, Default)]
pub(crate) struct BodyColumns<'a> {
    pub(crate) id: Vec<i64>,
    pub(crate) size: Vec<i64>,
    pub(crate) header: Vec<&'a [u8]>,
    pub(crate) summary: Vec<&'a [u8]>,
    /// Version of the scanner that made the summary.
    pub(crate) scanner_version: Vec<i32>,
    /// `None`: the text was uploaded.
    pub(crate) text: Vec<Option<&'a [u8]>>,
}

/// The recipients of all messages of the batch.
#[derive(Debug, Default)]
pub(crate) struct RecipientColumns<'a> {
    pub(crate) id: Vec<i64>,
    pub(crate) address: Vec<&'a str>,
    pub(crate) original_recipient: Vec<&'a str>,
    pub(crate) notify: Vec<i16>,
    pub(crate) epoch: Vec<i32>,
    pub(crate) due_at: Vec<i64>,
    /// Empty: not leased.
    pub(crate) worker: Vec<&'a str>,
}

/// Inserts the batch. Outside a transaction it is one of its own.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    columns: &Columns<'_>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let (body, recipient) = (&columns.body, &columns.recipient);
    sqlx::query!(
        "WITH bodies AS (
            INSERT INTO volume.body (id, size, header, summary, text, scanner_version, created_at)
            SELECT b.*, $6::bigint
            FROM UNNEST($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[],
                        $29::integer[]) AS b
         ), messages AS (
            INSERT INTO queue.message
                (id, body_id, prefix, size, reverse_path, flags, envelope_id, return_content,
                 origin, policy_revision, options, released_at, session, depth, recipients, pending,
                 received_at)
            SELECT m.*, m.recipients, $6
            FROM UNNEST($23::bigint[], $24::bigint[], $25::bytea[], $26::bigint[], $7::text[],
                        $8::smallint[], $9::text[], $10::smallint[], $11::bytea[],
                        $12::bigint[], $21::bytea[], $28::bigint[], $22::text[], $27::smallint[],
                        $13::integer[])
                AS m (id, body_id, prefix, size, reverse_path, flags, envelope_id, return_content,
                      origin, policy_revision, options, released_at, session, depth, recipients)
         )
         INSERT INTO queue.recipient
             (id, address, original_recipient, notify, epoch, due_at, worker, leased)
         SELECT r.*, r.worker <> ''
         FROM UNNEST($14::bigint[], $15::text[], $16::text[], $17::smallint[], $18::integer[],
                     $19::bigint[], $20::text[])
             AS r (id, address, original_recipient, notify, epoch, due_at, worker)",
        &body.id,
        &body.size,
        &body.header as &[&[u8]],
        &body.summary as &[&[u8]],
        &body.text as &[Option<&[u8]>],
        now,
        &columns.reverse_path as &[&str],
        &columns.flags,
        &columns.envelope_id as &[&str],
        &columns.return_content,
        &columns.origin as &[&[u8]],
        &columns.policy_revision,
        &columns.recipients,
        &recipient.id,
        &recipient.address as &[&str],
        &recipient.original_recipient as &[&str],
        &recipient.notify,
        &recipient.epoch,
        &recipient.due_at,
        &recipient.worker as &[&str],
        &columns.options as &[Option<&[u8]>],
        &columns.session as &[Option<&str>],
        &columns.id,
        &columns.body_id,
        &columns.prefix as &[&[u8]],
        &columns.size,
        &columns.depth,
        &columns.released_at,
        &body.scanner_version,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Which of these messages are committed. Used after a connection broke during a commit.
///
/// Meanwhile another replica may have handed them out, and all their recipients may have ended. The messages
/// are then gone, but their history is there.
pub(crate) async fn committed(
    connection: &mut PgConnection,
    ids: &[i64],
    since: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT m.id AS "id!" FROM UNNEST($1::bigint[]) AS m (id)
           WHERE EXISTS (SELECT FROM queue.message WHERE message.id = m.id)
              OR EXISTS (SELECT FROM queue.history
                         WHERE recipient_id BETWEEN m.id << 14 AND (m.id << 14) + 16383
                           AND at >= $2)"#,
        ids,
        since
    )
    .fetch_all(connection)
    .await
}

#[cfg(test)]
mod tests;
