//! Refusals of the front ends.

use sqlx::PgConnection;

/// The rows of a report, by column.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) at: Vec<i64>,
    pub(crate) last_at: Vec<i64>,
    pub(crate) count: Vec<i64>,
    /// Empty: no peer.
    pub(crate) peer: Vec<String>,
    pub(crate) helo: Vec<String>,
    pub(crate) login: Vec<String>,
    pub(crate) listener: Vec<String>,
    pub(crate) reverse_path: Vec<String>,
    pub(crate) recipient: Vec<String>,
    pub(crate) verdict: Vec<String>,
    pub(crate) reasons: Vec<String>,
    pub(crate) policy_revision: Vec<i64>,
    pub(crate) session: Vec<String>,
}

/// A row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) at: i64,
    pub(crate) number: i64,
    pub(crate) last_at: i64,
    pub(crate) count: i64,
    pub(crate) peer: String,
    pub(crate) helo: String,
    pub(crate) login: String,
    pub(crate) listener: String,
    pub(crate) reverse_path: String,
    pub(crate) recipient: String,
    pub(crate) verdict: String,
    pub(crate) reasons: String,
    pub(crate) policy_revision: i64,
    pub(crate) session: String,
    pub(crate) service: String,
}

/// A search of the refusals. Empty texts match everything.
#[derive(Debug)]
pub(crate) struct RefusalQuery<'a> {
    /// The row after which to continue, by time and number.
    pub(crate) after: (i64, i64),
    pub(crate) since: i64,
    pub(crate) sender: &'a str,
    pub(crate) recipient: &'a str,
    /// An address or a network, in the form that Postgres reads.
    pub(crate) address: &'a str,
    pub(crate) verdict: &'a str,
    pub(crate) limit: i64,
}

/// Inserts the rows of a report.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    columns: &Columns,
    service: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO queue.refusal
             (at, last_at, count, peer, helo, login, listener, reverse_path, recipient, verdict,
              reasons, policy_revision, session, service)
         SELECT r.at, r.last_at, r.count, NULLIF(r.peer, '')::inet, r.helo, r.login, r.listener,
                r.reverse_path, r.recipient, r.verdict, r.reasons, r.policy_revision, r.session,
                $14::text
         FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[],
                     $13::text[])
             AS r (at, last_at, count, peer, helo, login, listener, reverse_path, recipient,
                   verdict, reasons, policy_revision, session)",
        &columns.at,
        &columns.last_at,
        &columns.count,
        &columns.peer,
        &columns.helo,
        &columns.login,
        &columns.listener,
        &columns.reverse_path,
        &columns.recipient,
        &columns.verdict,
        &columns.reasons,
        &columns.policy_revision,
        &columns.session,
        service
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Rows, newest first.
pub(crate) async fn list(
    connection: &mut PgConnection,
    wanted: &RefusalQuery<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT at, number, last_at, count, COALESCE(host(peer), '') AS "peer!", helo, login,
                  listener, reverse_path, recipient, verdict, reasons, policy_revision, session,
                  service
           FROM queue.refusal
           WHERE (at, number) < ($1, $2) AND at >= $3
             AND ($4 = '' OR strpos(lower(reverse_path), lower($4)) > 0)
             AND ($5 = '' OR strpos(lower(recipient), lower($5)) > 0)
             AND ($6 = '' OR peer <<= NULLIF($6, '')::inet)
             AND ($7 = '' OR verdict = $7)
           ORDER BY at DESC, number DESC LIMIT $8"#,
        wanted.after.0,
        wanted.after.1,
        wanted.since,
        wanted.sender,
        wanted.recipient,
        wanted.address,
        wanted.verdict,
        wanted.limit
    )
    .fetch_all(connection)
    .await
}
