//! Revisions of the policy.

use sqlx::PgConnection;

/// A revision; without its document in listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) revision: i64,
    pub(crate) document: String,
    pub(crate) made_at: i64,
    pub(crate) author: String,
    pub(crate) comment: String,
}

/// Stores `new` as the newest revision. Its number must follow the newest one: a unique violation means that
/// another one was stored meanwhile.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    new: &Revision,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO queue.policy_revision (revision, document, made_at, author, comment)
         VALUES ($1, $2, $3, $4, $5)",
        new.revision,
        new.document,
        new.made_at,
        new.author,
        new.comment
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest revision.
pub(crate) async fn newest(connection: &mut PgConnection) -> Result<Option<Revision>, sqlx::Error> {
    sqlx::query_as!(
        Revision,
        "SELECT revision, document, made_at, author, comment FROM queue.policy_revision
         ORDER BY revision DESC LIMIT 1"
    )
    .fetch_optional(connection)
    .await
}

/// One revision.
pub(crate) async fn get(
    connection: &mut PgConnection,
    revision: i64,
) -> Result<Option<Revision>, sqlx::Error> {
    sqlx::query_as!(
        Revision,
        "SELECT revision, document, made_at, author, comment FROM queue.policy_revision
         WHERE revision = $1",
        revision
    )
    .fetch_optional(connection)
    .await
}

/// Newest first, without documents.
pub(crate) async fn list(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<Revision>, sqlx::Error> {
    sqlx::query_as!(
        Revision,
        r#"SELECT revision, '' AS "document!", made_at, author, comment
           FROM queue.policy_revision ORDER BY revision DESC LIMIT $1"#,
        limit
    )
    .fetch_all(connection)
    .await
}
