//! The state of collection, by account.

use sqlx::PgConnection;

/// The stored state of an account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) account: String,
    pub(crate) last_poll: i64,
    pub(crate) last_error: String,
    pub(crate) last_collected: i64,
    pub(crate) total_collected: i64,
    pub(crate) left_on_server: i64,
    pub(crate) failures: i32,
    pub(crate) last_success: i64,
}

/// When an account may be claimed.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) collector: String,
    pub(crate) claimed_until: i64,
    pub(crate) claimed_at: i64,
}

/// Claims the account unless another collector holds it or it was claimed less than `interval` ago. Returns
/// whether the claim was granted.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    account: &str,
    collector: &str,
    now: i64,
    until: i64,
    interval: i64,
) -> Result<bool, sqlx::Error> {
    let granted = sqlx::query!(
        "INSERT INTO queue.collect_account AS a (account, collector, claimed_until, claimed_at)
         VALUES ($1, $2, $4, $3)
         ON CONFLICT (account) DO UPDATE
         SET collector = $2, claimed_until = $4, claimed_at = $3
         WHERE (a.claimed_until <= $3 OR a.collector = $2) AND a.claimed_at + $5 <= $3",
        account,
        collector,
        now,
        until,
        interval
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(granted == 1)
}

/// The newest claim of an account.
pub(crate) async fn newest_claim(
    connection: &mut PgConnection,
    account: &str,
) -> Result<Option<Claim>, sqlx::Error> {
    sqlx::query_as!(
        Claim,
        "SELECT collector, claimed_until, claimed_at FROM queue.collect_account
         WHERE account = $1",
        account
    )
    .fetch_optional(connection)
    .await
}

/// The result of a poll.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) account: &'a str,
    pub(crate) collector: &'a str,
    pub(crate) error: &'a str,
    pub(crate) collected: i64,
    pub(crate) left: i64,
    /// The poll failed.
    pub(crate) failed: bool,
}

/// Ends the collector's claim and clears the message being read. False if the collector holds no claim.
pub(crate) async fn report(
    connection: &mut PgConnection,
    report: &Report<'_>,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE queue.collect_account
         SET claimed_until = 0, last_poll = $3, last_error = $4, last_collected = $5,
             left_on_server = $6, total_collected = total_collected + $5,
             failures = CASE WHEN $7 THEN failures + 1 ELSE 0 END,
             last_success = CASE WHEN $7 THEN last_success ELSE $3 END,
             reading = '', reading_size = 0
         WHERE account = $1 AND collector = $2 AND claimed_until > 0",
        report.account,
        report.collector,
        now,
        report.error,
        report.collected,
        report.left,
        report.failed
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(done == 1)
}

/// Stores the message that is about to be read. False if the collector holds no claim.
pub(crate) async fn note_reading(
    connection: &mut PgConnection,
    account: &str,
    collector: &str,
    remote_id: &str,
    size: i64,
) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        "UPDATE queue.collect_account SET reading = $3, reading_size = $4
         WHERE account = $1 AND collector = $2 AND claimed_until > 0",
        account,
        collector,
        remote_id,
        size
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(noted == 1)
}

/// UIDL and size of the message being read, if no report has followed.
pub(crate) async fn reading(
    connection: &mut PgConnection,
    account: &str,
) -> Result<Option<(String, i64)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT reading, reading_size FROM queue.collect_account
         WHERE account = $1 AND reading <> ''",
        account
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.reading, row.reading_size)))
}

/// All accounts ever claimed, by name.
pub(crate) async fn list(connection: &mut PgConnection) -> Result<Vec<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        "SELECT account, last_poll, last_error, last_collected, total_collected, left_on_server,
                failures, last_success
         FROM queue.collect_account ORDER BY account"
    )
    .fetch_all(connection)
    .await
}
