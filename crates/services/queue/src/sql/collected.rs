//! The ledger of collected messages (I10).

use sqlx::PgConnection;

/// A message's identity at its remote account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Identity<'a> {
    pub(crate) account: &'a str,
    pub(crate) uidl: &'a str,
    pub(crate) content_hash: &'a [u8],
}

/// A line of the ledger.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) uidl: String,
    pub(crate) content_hash: Vec<u8>,
    pub(crate) collected_at: i64,
}

/// Notes the identity of the message that is about to be inserted. Some: the ledger knew it
/// already, as that message.
pub(crate) async fn note(
    connection: &mut PgConnection,
    identity: Identity<'_>,
    message_id: i64,
    now: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let noted = sqlx::query!(
        "INSERT INTO queue.collected (account, uidl, content_hash, message_id, collected_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        identity.account,
        identity.uidl,
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
         WHERE account = $1 AND uidl = $2 AND content_hash = $3",
        identity.account,
        identity.uidl,
        identity.content_hash
    )
    .fetch_optional(connection)
    .await
    // Forgotten between the two statements: it was known all the same.
    .map(|known| Some(known.unwrap_or(0)))
}

/// What the ledger knows of these UIDLs.
pub(crate) async fn find(
    connection: &mut PgConnection,
    account: &str,
    uidls: &[String],
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        "SELECT uidl, content_hash, collected_at FROM queue.collected
         WHERE account = $1 AND uidl = ANY($2)",
        account,
        uidls
    )
    .fetch_all(connection)
    .await
}

/// Forgets what is no longer at the remote account.
pub(crate) async fn forget(
    connection: &mut PgConnection,
    account: &str,
    uidls: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM queue.collected WHERE account = $1 AND uidl = ANY($2)",
        account,
        uidls
    )
    .execute(connection)
    .await?;
    Ok(())
}
