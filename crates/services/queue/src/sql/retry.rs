//! Recipients to be tried early. The same statement stands here several times, so that each uses its own
//! index.

use sqlx::PgConnection;

/// The recipients to select.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection<'a> {
    /// All recipients.
    Any,
    /// Recipients of one message.
    Message(i64),
    /// Recipients of a domain, and of its subdomains if `subdomains`.
    Domain { name: &'a str, subdomains: bool },
}

/// A domain reversed, for comparison by prefix.
struct Reversed {
    domain: String,
    /// Lower bound of the subdomains, inclusive.
    from: String,
    /// Upper bound of the subdomains, exclusive.
    to: String,
}

impl Reversed {
    fn of(name: &str, subdomains: bool) -> Self {
        let domain: String = name.chars().rev().collect();
        // Reversed, the subdomains of `x.test` begin with `tset.x.`; `/` is the character after the dot.
        let (from, to) = if subdomains {
            (format!("{domain}."), format!("{domain}/"))
        } else {
            (String::new(), String::new())
        };
        Self { domain, from, to }
    }
}

/// Counts of the recipients that became due.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) recipients: i64,
    pub(crate) messages: i64,
    /// The highest id among them.
    pub(crate) last: Option<i64>,
}

/// A page of recipients, by id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) after: i64,
    pub(crate) up_to: i64,
    pub(crate) limit: i64,
    pub(crate) now: i64,
}

/// Makes recipients due that wait for another attempt.
pub(crate) async fn again(
    connection: &mut PgConnection,
    wanted: Selection<'_>,
    page: Page,
) -> Result<Due, sqlx::Error> {
    match wanted {
        Selection::Any => again_any(connection, page).await,
        Selection::Message(message_id) => again_of_message(connection, message_id, page).await,
        Selection::Domain { name, subdomains } => {
            again_of_domain(connection, &Reversed::of(name, subdomains), page).await
        }
    }
}

async fn again_any(connection: &mut PgConnection, page: Page) -> Result<Due, sqlx::Error> {
    sqlx::query_as!(
        Due,
        r#"WITH again AS (
            UPDATE queue.recipient SET due_at = LEAST(due_at, $1), retry_asked_at = $1
            WHERE id = ANY(ARRAY(
                SELECT id FROM queue.recipient
                WHERE attempts > 0 AND NOT leased AND id > $2 AND id <= $3
                ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED))
            RETURNING id
           )
           SELECT count(*) AS "recipients!", count(DISTINCT id >> 14) AS "messages!",
                  max(id) AS last
           FROM again"#,
        page.now,
        page.after,
        page.up_to,
        page.limit
    )
    .fetch_one(connection)
    .await
}

async fn again_of_message(
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
                WHERE attempts > 0 AND NOT leased AND id > $2 AND id <= $3
                  AND id BETWEEN $5::bigint << 14 AND ($5::bigint << 14) + 16383
                ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED))
            RETURNING id
           )
           SELECT count(*) AS "recipients!", count(DISTINCT id >> 14) AS "messages!",
                  max(id) AS last
           FROM again"#,
        page.now,
        page.after,
        page.up_to,
        page.limit,
        message_id
    )
    .fetch_one(connection)
    .await
}

async fn again_of_domain(
    connection: &mut PgConnection,
    reversed: &Reversed,
    page: Page,
) -> Result<Due, sqlx::Error> {
    // `+ 0`: otherwise the planner walks the primary key and compares the domain of every waiting recipient.
    sqlx::query_as!(
        Due,
        r#"WITH again AS (
            UPDATE queue.recipient SET due_at = LEAST(due_at, $1), retry_asked_at = $1
            WHERE id = ANY(ARRAY(
                SELECT id FROM queue.recipient
                WHERE attempts > 0 AND NOT leased AND id + 0 > $2 AND id + 0 <= $3
                  AND (reverse(substring(address FROM '[^@]*$')) = $5
                       OR (reverse(substring(address FROM '[^@]*$')) ~>=~ $6
                           AND reverse(substring(address FROM '[^@]*$')) ~<~ $7))
                ORDER BY id + 0 LIMIT $4 FOR UPDATE SKIP LOCKED))
            RETURNING id
           )
           SELECT count(*) AS "recipients!", count(DISTINCT id >> 14) AS "messages!",
                  max(id) AS last
           FROM again"#,
        page.now,
        page.after,
        page.up_to,
        page.limit,
        reversed.domain,
        reversed.from,
        reversed.to
    )
    .fetch_one(connection)
    .await
}

/// A recipient that was never tried and is not due yet.
#[derive(Debug)]
pub(crate) struct NotDue {
    pub(crate) id: i64,
    /// Stored options of its message.
    pub(crate) options: Option<Vec<u8>>,
    /// End of its message's hold.
    pub(crate) released_at: i64,
}

/// Recipients that were never tried and become due between now and `until`.
pub(crate) async fn not_due(
    connection: &mut PgConnection,
    wanted: Selection<'_>,
    until: i64,
    page: Page,
) -> Result<Vec<NotDue>, sqlx::Error> {
    let reversed = match wanted {
        Selection::Message(message_id) => {
            return not_due_of_message(connection, message_id, until, page).await;
        }
        Selection::Domain { name, subdomains } => Reversed::of(name, subdomains),
        Selection::Any => Reversed::of("", false),
    };
    // Few recipients stand back, and not for long: an index by domain is not worthwhile.
    sqlx::query_as!(
        NotDue,
        r#"SELECT r.id, m.options, m.released_at
           FROM queue.recipient r JOIN queue.message m ON m.id = r.id >> 14
           WHERE r.attempts = 0 AND r.due_at > $1 AND r.due_at <= $2 AND NOT r.leased
             AND r.id > $3
             AND ($5 = ''
                  OR reverse(substring(r.address FROM '[^@]*$')) = $5
                  OR (reverse(substring(r.address FROM '[^@]*$')) ~>=~ $6
                      AND reverse(substring(r.address FROM '[^@]*$')) ~<~ $7))
             AND m.options IS NOT NULL
           ORDER BY r.id LIMIT $4"#,
        page.now,
        until,
        page.after,
        page.limit,
        reversed.domain,
        reversed.from,
        reversed.to
    )
    .fetch_all(connection)
    .await
}

async fn not_due_of_message(
    connection: &mut PgConnection,
    message_id: i64,
    until: i64,
    page: Page,
) -> Result<Vec<NotDue>, sqlx::Error> {
    sqlx::query_as!(
        NotDue,
        r#"SELECT r.id, m.options, m.released_at
           FROM queue.message m JOIN queue.recipient r
             ON r.id BETWEEN $5::bigint << 14 AND ($5::bigint << 14) + 16383
           WHERE m.id = $5 AND m.options IS NOT NULL
             AND r.attempts = 0 AND r.due_at > $1 AND r.due_at <= $2 AND NOT r.leased
             AND r.id > $3
           ORDER BY r.id LIMIT $4"#,
        page.now,
        until,
        page.after,
        page.limit,
        message_id
    )
    .fetch_all(connection)
    .await
}

/// Makes these recipients due, which were never tried.
pub(crate) async fn first(
    connection: &mut PgConnection,
    ids: &[i64],
    now: i64,
) -> Result<Due, sqlx::Error> {
    sqlx::query_as!(
        Due,
        r#"WITH first AS (
            UPDATE queue.recipient SET due_at = LEAST(due_at, $1), retry_asked_at = $1
            WHERE id = ANY(ARRAY(
                SELECT id FROM queue.recipient
                WHERE id = ANY($2) AND attempts = 0 AND NOT leased
                ORDER BY id FOR UPDATE SKIP LOCKED))
            RETURNING id
           )
           SELECT count(*) AS "recipients!", count(DISTINCT id >> 14) AS "messages!",
                  max(id) AS last
           FROM first"#,
        now,
        ids
    )
    .fetch_one(connection)
    .await
}

#[cfg(test)]
mod tests;
