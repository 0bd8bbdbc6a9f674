//! The queries of FETCH. Each is one streamed statement. Ranges are read one after the other by index, so
//! rows come by UID without sorting.
//!
//! A query has a limit of rows. The rest of an abandoned query is read to its end before its connection is
//! used again, so it must not be a whole mailbox.

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use sqlx::PgPool;

use super::FetchItems;
use crate::values::{UidSet, narrow, signed};

/// A message from its rows.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) uid: i64,
    pub(super) modseq: i64,
    pub(super) flags: i32,
    pub(super) keywords: Option<Vec<String>>,
    pub(super) internal_date: i64,
    pub(super) size: i64,
    pub(super) body_id: i64,
    pub(super) prefix_size: i32,
    pub(super) prefix: Option<Vec<u8>>,
    pub(super) summary: Option<Vec<u8>>,
    pub(super) header: Option<Vec<u8>>,
    pub(super) text: Option<Vec<u8>>,
}

impl Row {
    pub(super) fn uid(&self) -> u32 {
        narrow(self.uid)
    }
}

/// Maximum number of rows in one query: of the mailbox alone, with headers, with texts.
const ROWS: i64 = 10_000;
const ROWS_WITH_HEADER: i64 = 1_000;
const ROWS_WITH_TEXT: i64 = 100;

/// The rows of messages, by UID, and their maximum number. If that number is reached, more may follow.
pub(super) fn rows<'a>(
    pool: &'a PgPool,
    mailbox_id: i64,
    uids: &UidSet,
    wanted: &FetchItems,
) -> (BoxStream<'a, sqlx::Result<Row>>, i64) {
    let selection = Selection {
        mailbox_id,
        firsts: uids.firsts(),
        lasts: uids.lasts(),
        since: signed(wanted.changed_since),
    };
    if wanted.content_up_to > 0 {
        (with_text(pool, selection, wanted), ROWS_WITH_TEXT)
    } else if wanted.summary() || wanted.header {
        (with_header(pool, selection, wanted), ROWS_WITH_HEADER)
    } else {
        (of_mailbox(pool, selection), ROWS)
    }
}

struct Selection {
    mailbox_id: i64,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
    since: i64,
}

fn of_mailbox(pool: &PgPool, selection: Selection) -> BoxStream<'_, sqlx::Result<Row>> {
    sqlx::query!(
        r#"SELECT uid, modseq, flags, keywords AS "keywords?", internal_date, size
           FROM UNNEST($2::bigint[], $3::bigint[]) AS range (first, last)
           CROSS JOIN LATERAL (
               SELECT uid, modseq, flags, NULLIF(keywords, '{}') AS keywords, internal_date, size
               FROM mailbox.message
               WHERE mailbox_id = $1 AND uid BETWEEN range.first AND range.last AND modseq > $4
               ORDER BY uid) AS message
           LIMIT $5"#,
        selection.mailbox_id,
        &selection.firsts,
        &selection.lasts,
        selection.since,
        ROWS
    )
    .fetch(pool)
    .map_ok(|row| Row {
        uid: row.uid,
        modseq: row.modseq,
        flags: row.flags,
        keywords: row.keywords,
        internal_date: row.internal_date,
        size: row.size,
        ..Row::default()
    })
    .boxed()
}

fn with_header<'a>(
    pool: &'a PgPool,
    selection: Selection,
    wanted: &FetchItems,
) -> BoxStream<'a, sqlx::Result<Row>> {
    sqlx::query!(
        r#"SELECT uid, modseq, flags, keywords AS "keywords?", internal_date, size,
                  prefix_size AS "prefix_size!", prefix AS "prefix?", summary AS "summary?",
                  header AS "header?"
           FROM UNNEST($2::bigint[], $3::bigint[]) AS range (first, last)
           CROSS JOIN LATERAL (
               SELECT uid, modseq, flags, NULLIF(keywords, '{}') AS keywords, internal_date,
                      message.size, length(prefix) AS prefix_size,
                      CASE WHEN $6 THEN prefix END AS prefix,
                      CASE WHEN $5 THEN summary END AS summary,
                      CASE WHEN $6 THEN header END AS header
               FROM mailbox.message JOIN volume.body ON body.id = message.body_id
               WHERE mailbox_id = $1 AND uid BETWEEN range.first AND range.last AND modseq > $4
               ORDER BY uid) AS message
           LIMIT $7"#,
        selection.mailbox_id,
        &selection.firsts,
        &selection.lasts,
        selection.since,
        wanted.summary(),
        wanted.header,
        ROWS_WITH_HEADER
    )
    .fetch(pool)
    .map_ok(|row| Row {
        uid: row.uid,
        modseq: row.modseq,
        flags: row.flags,
        keywords: row.keywords,
        internal_date: row.internal_date,
        size: row.size,
        prefix_size: row.prefix_size,
        prefix: row.prefix,
        summary: row.summary,
        header: row.header,
        ..Row::default()
    })
    .boxed()
}

fn with_text<'a>(
    pool: &'a PgPool,
    selection: Selection,
    wanted: &FetchItems,
) -> BoxStream<'a, sqlx::Result<Row>> {
    sqlx::query!(
        r#"SELECT uid, modseq, flags, keywords AS "keywords?", internal_date, size, body_id,
                  prefix_size AS "prefix_size!", prefix AS "prefix?", summary AS "summary?",
                  header AS "header?", text AS "text?"
           FROM UNNEST($2::bigint[], $3::bigint[]) AS range (first, last)
           CROSS JOIN LATERAL (
               SELECT uid, modseq, flags, NULLIF(keywords, '{}') AS keywords, internal_date,
                      message.size, body_id, length(prefix) AS prefix_size, prefix,
                      CASE WHEN $5 THEN summary END AS summary, header,
                      CASE WHEN message.size <= $6 THEN text END AS text
               FROM mailbox.message JOIN volume.body ON body.id = message.body_id
               WHERE mailbox_id = $1 AND uid BETWEEN range.first AND range.last AND modseq > $4
               ORDER BY uid) AS message
           LIMIT $7"#,
        selection.mailbox_id,
        &selection.firsts,
        &selection.lasts,
        selection.since,
        wanted.summary(),
        signed(wanted.largest_whole()),
        ROWS_WITH_TEXT
    )
    .fetch(pool)
    .map_ok(|row| Row {
        uid: row.uid,
        modseq: row.modseq,
        flags: row.flags,
        keywords: row.keywords,
        internal_date: row.internal_date,
        size: row.size,
        body_id: row.body_id,
        prefix_size: row.prefix_size,
        prefix: row.prefix,
        summary: row.summary,
        header: row.header,
        text: row.text,
    })
    .boxed()
}
