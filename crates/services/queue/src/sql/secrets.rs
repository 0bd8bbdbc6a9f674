//! Sealed secrets.

use sqlx::PgConnection;
use vault::Sealed;

/// Stores or replaces a secret.
pub(crate) async fn set(
    connection: &mut PgConnection,
    name: &str,
    secret: &Sealed,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO queue.secret (name, nonce, sealed, set_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET nonce = $2, sealed = $3, set_at = $4",
        name,
        secret.nonce,
        secret.sealed,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A secret, by name.
pub(crate) async fn get(
    connection: &mut PgConnection,
    name: &str,
) -> Result<Option<Sealed>, sqlx::Error> {
    sqlx::query_as!(
        Sealed,
        "SELECT nonce, sealed FROM queue.secret WHERE name = $1",
        name
    )
    .fetch_optional(connection)
    .await
}

/// All secrets, by name.
pub(crate) async fn all(
    connection: &mut PgConnection,
) -> Result<Vec<(String, Sealed)>, sqlx::Error> {
    let rows = sqlx::query!("SELECT name, nonce, sealed FROM queue.secret ORDER BY name")
        .fetch_all(connection)
        .await?;
    let secrets = rows.into_iter().map(|row| {
        let (nonce, sealed) = (row.nonce, row.sealed);
        (row.name, Sealed { nonce, sealed })
    });
    Ok(secrets.collect())
}

/// The known text, sealed under the secrets' key.
pub(crate) async fn known(connection: &mut PgConnection) -> Result<Option<Sealed>, sqlx::Error> {
    sqlx::query_as!(Sealed, "SELECT nonce, sealed FROM queue.secret_key")
        .fetch_optional(connection)
        .await
}

/// Stores the known text under a new key.
pub(crate) async fn set_known(
    connection: &mut PgConnection,
    known: &Sealed,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO queue.secret_key (nonce, sealed) VALUES ($1, $2)
         ON CONFLICT (one) DO UPDATE SET nonce = $1, sealed = $2",
        known.nonce,
        known.sealed
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Their names.
pub(crate) async fn list(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT name FROM queue.secret ORDER BY name")
        .fetch_all(connection)
        .await
}

/// Removes one; false when there is none of that name.
pub(crate) async fn remove(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    let removed = sqlx::query!("DELETE FROM queue.secret WHERE name = $1", name)
        .execute(connection)
        .await?
        .rows_affected();
    Ok(removed == 1)
}
