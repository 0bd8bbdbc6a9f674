//! The users, page by page.

use api::directory::v1::ListUsersResponse;

use super::row::Row;
use crate::Result;
use crate::store::Store;

const USUAL_PAGE: u32 = 1000;
const LARGEST_PAGE: u32 = 10_000;

/// The selection of users.
#[derive(Debug, Default)]
pub struct Page {
    /// Only users of this domain; empty for all.
    pub domain: String,
    /// Only users after this address.
    pub after: String,
    /// Maximum number of users; 0 for the default.
    pub limit: u32,
}

/// Users by address.
pub async fn list(store: &Store, page: &Page) -> Result<ListUsersResponse> {
    let limit = match page.limit {
        0 => USUAL_PAGE,
        limit => limit.min(LARGEST_PAGE),
    };
    let domain = page.domain.to_lowercase();
    // One row more than requested shows whether there is another page. Only one of the two halves runs, each
    // by its index.
    let mut rows = sqlx::query_as!(
        Row,
        r#"SELECT user_id AS "user_id!", address AS "address!", created_at AS "created_at!",
                  used AS "used!", messages AS "messages!"
           FROM ((SELECT user_id, address, created_at FROM mailbox.user
                  WHERE $1 = '' AND address > $2 ORDER BY address LIMIT $3)
                 UNION ALL
                 (SELECT user_id, address, created_at FROM mailbox.user
                  WHERE $1 <> '' AND domain = $1 AND address > $2 ORDER BY address LIMIT $3)
                ) AS "user"
           CROSS JOIN LATERAL
                (SELECT COALESCE(sum(size), 0)::bigint AS used,
                        COALESCE(sum(messages), 0)::bigint AS messages
                 FROM mailbox.mailbox WHERE mailbox.user_id = "user".user_id) AS sums
           ORDER BY address"#,
        domain,
        page.after,
        i64::from(limit) + 1
    )
    .fetch_all(store.pool())
    .await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.address.clone());
    Ok(ListUsersResponse {
        users: rows.into_iter().map(Into::into).collect(),
        next: next.unwrap_or_default(),
    })
}
