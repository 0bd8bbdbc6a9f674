//! Keys as SQL conditions.

use sqlx::{PgPool, Postgres, QueryBuilder};

use super::key::Key;
use super::{Matches, Search};
use crate::Result;
use crate::values::{UidSet, ranges_of};

/// The messages that match a key without content.
pub(super) async fn matching(pool: &PgPool, search: Search<'_>) -> Result<Matches> {
    let mut query =
        QueryBuilder::new("SELECT uid, modseq FROM mailbox.message WHERE message.mailbox_id = ");
    query
        .push_bind(search.mailbox_id)
        .push(" AND uid > ")
        .push_bind(search.after)
        .push(" AND ");
    condition(&mut query, search.key, search.now, true);
    query.push(" ORDER BY uid");
    Ok(query
        .build_query_as()
        .persistent(false)
        .fetch_all(pool)
        .await?)
}

/// Adds a condition that is true wherever the key is. If content decides, the condition is `undecided`: true,
/// but false within a NOT, so that no match is lost.
pub(super) fn condition(query: &mut QueryBuilder<Postgres>, key: &Key, now: i64, undecided: bool) {
    match key {
        Key::All => _ = query.push("true"),
        Key::And(keys) => all_of(query, keys, now, undecided, " AND ", "true"),
        Key::Or(keys) => all_of(query, keys, now, undecided, " OR ", "false"),
        Key::Not(key) => {
            query.push("NOT (");
            condition(query, key, now, !undecided);
            query.push(")");
        }
        Key::Uids(uids) => among(query, uids),
        Key::Flag(bits) => _ = query.push("flags & ").push_bind(*bits).push(" <> 0"),
        Key::Keyword(name) => {
            query.push("EXISTS (SELECT FROM UNNEST(keywords) AS keyword WHERE lower(keyword) = ");
            query.push_bind(name.to_ascii_lowercase()).push(")");
        }
        Key::Larger(octets) => _ = query.push("message.size > ").push_bind(*octets),
        Key::Smaller(octets) => _ = query.push("message.size < ").push_bind(*octets),
        Key::Received(from, before) => {
            query.push("(true");
            if let Some(from) = from {
                query.push(" AND internal_date >= ").push_bind(*from);
            }
            if let Some(before) = before {
                query.push(" AND internal_date < ").push_bind(*before);
            }
            query.push(")");
        }
        Key::Younger(age) => _ = query.push("internal_date >= ").push_bind(now - age),
        Key::Older(age) => _ = query.push("internal_date <= ").push_bind(now - age),
        Key::Modseq(modseq) => _ = query.push("modseq >= ").push_bind(*modseq),
        Key::Sent(..) | Key::Header(..) | Key::Body(_) | Key::Text(_) => {
            query.push(if undecided { "true" } else { "false" });
        }
    }
}

fn all_of(
    query: &mut QueryBuilder<Postgres>,
    keys: &[Key],
    now: i64,
    undecided: bool,
    operator: &str,
    of_none: &str,
) {
    if keys.is_empty() {
        query.push(of_none);
        return;
    }
    query.push("(");
    for (n, key) in keys.iter().enumerate() {
        if n > 0 {
            query.push(operator);
        }
        condition(query, key, now, undecided);
    }
    query.push(")");
}

/// A multirange is searched by bisection, however many ranges it has. The first and last UID bound the part
/// of the index that is read.
fn among(query: &mut QueryBuilder<Postgres>, uids: &UidSet) {
    let ranges = ranges_of(uids);
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
        query.push("false");
        return;
    };
    query
        .push("(uid BETWEEN ")
        .push_bind(i64::from(first.first))
        .push(" AND ")
        .push_bind(i64::from(last.last));
    if ranges.len() > 1 {
        let ranges: Vec<String> = ranges
            .iter()
            .map(|range| format!("[{},{}]", range.first, range.last))
            .collect();
        query
            .push(" AND uid <@ ")
            .push_bind(format!("{{{}}}", ranges.join(",")))
            .push("::int8multirange");
    }
    query.push(")");
}
