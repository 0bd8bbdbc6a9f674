//! Buckets of rates, and the state of greylisting.

use sqlx::PgConnection;

/// Adds `added` microseconds to each bucket; each key occurs once. Returns when each bucket will be empty, in
/// any order.
pub(crate) async fn count(
    connection: &mut PgConnection,
    keys: &[&[u8]],
    added: &[i64],
    now_us: i64,
) -> Result<Vec<(Vec<u8>, i64)>, sqlx::Error> {
    let filled = sqlx::query!(
        "WITH a AS MATERIALIZED (
             SELECT key, added FROM UNNEST($1::bytea[], $2::bigint[]) AS a (key, added)
         ), filled AS (
             INSERT INTO queue.rate AS r (key, empty_at)
             -- In one order, so that two front ends never wait for each other.
             SELECT key, $3::bigint + added FROM a WHERE added > 0 ORDER BY key
             ON CONFLICT (key) DO UPDATE
             SET empty_at = greatest(r.empty_at, $3) + excluded.empty_at - $3
             RETURNING key, empty_at
         )
         SELECT key AS \"key!\", empty_at AS \"empty_at!\" FROM filled
         UNION ALL
         -- A mere question writes nothing.
         SELECT r.key, r.empty_at FROM a JOIN queue.rate r ON r.key = a.key WHERE a.added = 0",
        keys as &[&[u8]],
        added,
        now_us
    )
    .fetch_all(connection)
    .await?;
    Ok(filled
        .into_iter()
        .map(|bucket| (bucket.key, bucket.empty_at))
        .collect())
}

/// Times of greylisting: how long a sender waits and how long it is remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Greylisting {
    pub(crate) delay: i64,
    pub(crate) retry_within: i64,
    pub(crate) remember: i64,
}

/// Records an attempt. Returns how many milliseconds the sender still has to wait.
pub(crate) async fn greylist(
    connection: &mut PgConnection,
    key: &[u8],
    terms: Greylisting,
    now: i64,
) -> Result<i64, sqlx::Error> {
    let visit = sqlx::query!(
        "INSERT INTO queue.greylist AS g (key, first_seen, passed, expires_at)
         VALUES ($1, $2::bigint, $3::bigint <= 0, $2 + $4::bigint)
         ON CONFLICT (key) DO UPDATE
         SET first_seen = CASE WHEN g.expires_at <= $2 THEN $2 ELSE g.first_seen END,
             passed = CASE WHEN g.expires_at <= $2 THEN $3 <= 0
                           ELSE g.passed OR g.first_seen + $3 <= $2 END,
             expires_at = CASE WHEN g.expires_at <= $2 THEN $2 + $4
                               WHEN g.passed OR g.first_seen + $3 <= $2 THEN $2 + $5::bigint
                               ELSE g.expires_at END
         RETURNING passed, first_seen",
        key,
        now,
        terms.delay,
        terms.retry_within,
        terms.remember
    )
    .fetch_one(connection)
    .await?;
    Ok(if visit.passed {
        0
    } else {
        (visit.first_seen + terms.delay - now).max(1)
    })
}

/// Removes expired rows.
pub(crate) async fn forget(
    connection: &mut PgConnection,
    now: i64,
    now_us: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM queue.rate WHERE empty_at <= $1", now_us)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM queue.greylist WHERE expires_at <= $1", now)
        .execute(connection)
        .await?;
    Ok(())
}
