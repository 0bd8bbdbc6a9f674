//! Recipients that are to be tried before their time. The same statement three times, so that each
//! walks the index that it means.

use sqlx::PgConnection;

/// What became due.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) recipients: i64,
    pub(crate) messages: i64,
    /// The highest id among them.
    pub(crate) last: Option<i64>,
}

/// A page of those that wait for another attempt, by id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) after: i64,
    pub(crate) limit: i64,
    pub(crate) now: i64,
}

/// All of them.
pub(crate) async fn any(connection: &mut PgConnection, page: Page) -> Result<Due, sqlx::Error> {
    sqlx::query_as!(
        Due,
        r#"WITH again AS (
            UPDATE queue.recipient SET due_at = LEAST(due_at, $1), retry_asked_at = $1
            WHERE id = ANY(ARRAY(
                SELECT id FROM queue.recipient
                WHERE attempts > 0 AND NOT leased AND id > $2
                ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED))
            RETURNING id
           )
           SELECT count(*) AS "recipients!", count(DISTINCT id >> 14) AS "messages!",
                  max(id) AS last
           FROM again"#,
        page.now,
        page.after,
        page.limit
    )
    .fetch_one(connection)
    .await
}

/// Those of one message.
pub(crate) async fn of_message(
    connection: &mut PgConnection,
    message_id: i64,
    page: Page,
) -> Result<Due, sqlx::Error> {
    sqlx::query_as!(
        Due,
        r#"WITH again AS (
            UPDATE queue.recipient SET due_at = LEAST(due_at, $1), retry_asked_at = $1
            WHERE id = ANY(ARRAY(
                SELECT id FROM queue.recipient
                WHERE attempts > 0 AND NOT leased AND id > $2
                  AND id BETWEEN $4::bigint << 14 AND ($4::bigint << 14) + 16383
                ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED))
            RETURNING id
           )
           SELECT count(*) AS "recipients!", count(DISTINCT id >> 14) AS "messages!",
                  max(id) AS last
           FROM again"#,
        page.now,
        page.after,
        page.limit,
        message_id
    )
    .fetch_one(connection)
    .await
}

/// Those of a domain, and of what lies below it if `subdomains`.
pub(crate) async fn of_domain(
    connection: &mut PgConnection,
    domain: &str,
    subdomains: bool,
    page: Page,
) -> Result<Due, sqlx::Error> {
    let reversed: String = domain.chars().rev().collect();
    // Below `x.test` lies what read from its end begins with `tset.x.`; `/` is next to the dot.
    let (from, to) = if subdomains {
        (format!("{reversed}."), format!("{reversed}/"))
    } else {
        (String::new(), String::new())
    };
    sqlx::query_as!(
        Due,
        r#"WITH again AS (
            UPDATE queue.recipient SET due_at = LEAST(due_at, $1), retry_asked_at = $1
            WHERE id = ANY(ARRAY(
                SELECT id FROM queue.recipient
                WHERE attempts > 0 AND NOT leased AND id > $2
                  AND (reverse(substring(address FROM '[^@]*$')) = $4
                       OR (reverse(substring(address FROM '[^@]*$')) ~>=~ $5
                           AND reverse(substring(address FROM '[^@]*$')) ~<~ $6))
                ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED))
            RETURNING id
           )
           SELECT count(*) AS "recipients!", count(DISTINCT id >> 14) AS "messages!",
                  max(id) AS last
           FROM again"#,
        page.now,
        page.after,
        page.limit,
        reversed,
        from,
        to
    )
    .fetch_one(connection)
    .await
}
