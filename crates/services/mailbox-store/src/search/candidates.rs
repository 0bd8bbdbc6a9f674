//! Messages whose content must be searched, with their headers, page by page.

use sqlx::{FromRow, PgPool, QueryBuilder};

use super::Search;
use super::sql::condition;
use crate::Result;

/// Headers held at a time: at most 128 KiB each, usually about 2 KiB.
const PAGE: i64 = 100;

/// A message whose text has not been searched.
#[derive(Debug, Clone, Default, FromRow)]
pub(super) struct Candidate {
    pub(super) uid: i64,
    pub(super) modseq: i64,
    pub(super) flags: i32,
    pub(super) keywords: Vec<String>,
    pub(super) internal_date: i64,
    pub(super) size: i64,
    pub(super) body_id: i64,
    pub(super) prefix: Vec<u8>,
    pub(super) header: Vec<u8>,
}

/// The next candidates.
pub(super) async fn page(pool: &PgPool, search: Search<'_>) -> Result<Vec<Candidate>> {
    let mut query = QueryBuilder::new(
        "SELECT uid, modseq, flags, keywords, internal_date, message.size, body_id, prefix, header
         FROM mailbox.message JOIN volume.body ON body.id = message.body_id
         WHERE message.mailbox_id = ",
    );
    query
        .push_bind(search.mailbox_id)
        .push(" AND uid > ")
        .push_bind(search.after)
        .push(" AND ");
    condition(&mut query, search.key, search.now, true);
    query.push(" ORDER BY uid LIMIT ").push_bind(PAGE);
    Ok(query
        .build_query_as()
        .persistent(false)
        .fetch_all(pool)
        .await?)
}
