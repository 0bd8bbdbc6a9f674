//! Gateways and their states.

use sqlx::PgConnection;

/// The result of the newest attempts over a gateway. Times are milliseconds since 1970; 0: never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gateway {
    pub(crate) name: String,
    /// 0: it works.
    pub(crate) failing_since: i64,
    pub(crate) last_failure: String,
    pub(crate) last_failure_at: i64,
    pub(crate) last_success_at: i64,
}

/// The known ones among these gateways.
pub(crate) async fn find(
    connection: &mut PgConnection,
    names: &[&str],
) -> Result<Vec<Gateway>, sqlx::Error> {
    sqlx::query_as!(
        Gateway,
        "SELECT name, failing_since, last_failure, last_failure_at, last_success_at
         FROM queue.gateway WHERE name = ANY($1)",
        names as &[&str]
    )
    .fetch_all(connection)
    .await
}

/// Stores a gateway's state, unless another replica has stored a later attempt.
pub(crate) async fn keep(
    connection: &mut PgConnection,
    gateway: &Gateway,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO queue.gateway AS known
             (name, failing_since, last_failure, last_failure_at, last_success_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE
         SET failing_since = $2, last_failure = $3, last_failure_at = $4, last_success_at = $5
         WHERE GREATEST(known.last_failure_at, known.last_success_at) <= GREATEST($4, $5)",
        gateway.name,
        gateway.failing_since,
        gateway.last_failure,
        gateway.last_failure_at,
        gateway.last_success_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// All known gateways, by name.
pub(crate) async fn list(connection: &mut PgConnection) -> Result<Vec<Gateway>, sqlx::Error> {
    sqlx::query_as!(
        Gateway,
        "SELECT name, failing_since, last_failure, last_failure_at, last_success_at
         FROM queue.gateway ORDER BY name"
    )
    .fetch_all(connection)
    .await
}

/// Number of failing gateways.
pub(crate) async fn failing(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM queue.gateway WHERE failing_since > 0"#)
        .fetch_one(connection)
        .await
}

/// Removes these gateways.
pub(crate) async fn forget(
    connection: &mut PgConnection,
    names: &[&str],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM queue.gateway WHERE name = ANY($1)",
        names as &[&str]
    )
    .execute(connection)
    .await?;
    Ok(())
}
