//! Messages of remote accounts that were not collected.

use sqlx::PgConnection;

/// A message that stays on its server, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uncollected {
    pub(crate) account: String,
    pub(crate) remote_id: String,
    pub(crate) size: i64,
    pub(crate) subject: String,
    pub(crate) reason: String,
    pub(crate) tries: i32,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    pub(crate) retry_at: i64,
    pub(crate) set_aside: bool,
}

/// The messages of one account, or of all for `None`.
pub(crate) async fn list(
    connection: &mut PgConnection,
    account: Option<&str>,
) -> Result<Vec<Uncollected>, sqlx::Error> {
    sqlx::query_as!(
        Uncollected,
        "SELECT account, remote_id, size, subject, reason, tries, first_at, last_at, retry_at, set_aside
         FROM queue.uncollected WHERE $1::text IS NULL OR account = $1
         ORDER BY account, first_at, remote_id",
        account
    )
    .fetch_all(connection)
    .await
}

/// Replaces the messages of an account. The caller has a transaction open.
pub(crate) async fn replace(
    connection: &mut PgConnection,
    account: &str,
    messages: &[Uncollected],
) -> Result<(), sqlx::Error> {
    let column = |of: fn(&Uncollected) -> &str| messages.iter().map(of).collect::<Vec<&str>>();
    let number = |of: fn(&Uncollected) -> i64| messages.iter().map(of).collect::<Vec<i64>>();
    let tries: Vec<i32> = messages.iter().map(|message| message.tries).collect();
    let set_aside: Vec<bool> = messages.iter().map(|message| message.set_aside).collect();
    sqlx::query!("DELETE FROM queue.uncollected WHERE account = $1", account)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "INSERT INTO queue.uncollected
            (account, remote_id, size, subject, reason, tries, first_at, last_at, retry_at, set_aside)
         SELECT $1, m.* FROM UNNEST($2::text[], $3::bigint[], $4::text[], $5::text[], $6::integer[],
                                    $7::bigint[], $8::bigint[], $9::bigint[], $10::boolean[]) AS m
         ON CONFLICT DO NOTHING",
        account,
        &column(|message| &message.remote_id) as &[&str],
        &number(|message| message.size),
        &column(|message| &message.subject) as &[&str],
        &column(|message| &message.reason) as &[&str],
        &tries,
        &number(|message| message.first_at),
        &number(|message| message.last_at),
        &number(|message| message.retry_at),
        &set_aside,
    )
    .execute(connection)
    .await?;
    Ok(())
}
