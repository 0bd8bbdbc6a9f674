//! The ledger of collected messages (I10).

use sqlx::PgConnection;

/// A message's identity at its remote account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Identity<'a> {
    pub(crate) account: &'a str,
    pub(crate) remote_id: &'a str,
    pub(crate) content_hash: &'a [u8],
}

/// A line of the ledger.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) remote_id: String,
    pub(crate) content_hash: Vec<u8>,
    pub(crate) collected_at: i64,
}

/// Adds the identity of a message that is about to be inserted. `Some`: the ledger already has it, as that
/// message.
pub(crate) async fn note(
    connection: &mut PgConnection,
    identity: Identity<'_>,
    message_id: i64,
    now: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let noted = sqlx::query!(
        "INSERT INTO queue.collected (account, remote_id, content_hash, message_id, collected_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        identity.account,
        identity.remote_id,
        identity.content_hash,
        message_id,
        now
    )
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if noted == 1 {
        return Ok(None);
    }
    sqlx::query_scalar!(
        "SELECT message_id FROM queue.collected
         WHERE account = $1 AND remote_id = $2 AND content_hash = $3",
        identity.account,
        identity.remote_id,
        identity.content_hash
    )
    .fetch_optional(connection)
    .await
    // Removed between the two statements: it was known all the same.
    .map(|known| Some(known.unwrap_or(0)))
}

/// The entries of these UIDLs.
pub(crate) async fn find(
    connection: &mut PgConnection,
    account: &str,
    remote_ids: &[String],
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        "SELECT remote_id, content_hash, collected_at FROM queue.collected
         WHERE account = $1 AND remote_id = ANY($2)",
        account,
        remote_ids
    )
    .fetch_all(connection)
    .await
}

/// The account's entries with this header section, by the second half of the hash.
pub(crate) async fn find_by_header(
    connection: &mut PgConnection,
    account: &str,
    header_hash: &[u8],
    limit: i64,
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        "SELECT remote_id, content_hash, collected_at FROM queue.collected
         WHERE account = $1 AND substring(content_hash FROM 33) = $2
         ORDER BY collected_at LIMIT $3",
        account,
        header_hash,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Number of the account's entries.
pub(crate) async fn count(
    connection: &mut PgConnection,
    account: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM queue.collected WHERE account = $1"#,
        account
    )
    .fetch_one(connection)
    .await
}

/// Moves an entry to another UIDL, unless that has an entry already.
pub(crate) async fn rename(
    connection: &mut PgConnection,
    identity: Identity<'_>,
    new_remote_id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH moved AS (
            DELETE FROM queue.collected
            WHERE account = $1 AND remote_id = $2 AND content_hash = $3 AND remote_id <> $4
            RETURNING account, content_hash, message_id, collected_at
         )
         INSERT INTO queue.collected (account, remote_id, content_hash, message_id, collected_at)
         SELECT account, $4, content_hash, message_id, collected_at FROM moved
         ON CONFLICT DO NOTHING",
        identity.account,
        identity.remote_id,
        identity.content_hash,
        new_remote_id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the entries of messages that are no longer at the remote account.
pub(crate) async fn forget(
    connection: &mut PgConnection,
    account: &str,
    remote_ids: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM queue.collected WHERE account = $1 AND remote_id = ANY($2)",
        account,
        remote_ids
    )
    .execute(connection)
    .await?;
    Ok(())
}
