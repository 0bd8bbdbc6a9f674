//! STORE.

use api::mailbox::v1::StoreFlagsResponse;
use sqlx::PgConnection;

use super::{known_keywords, state};
use crate::mailboxes::lock::{self, Locked};
use crate::notices::Notice;
use crate::store::{Store, repeated};
use crate::values::{Keywords, MAX_KEYWORDS, UidSet, flag, narrow, signed, unsigned};
use crate::{Error, Result};

/// How flags are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Set exactly these.
    Replace,
    /// Add these.
    Add,
    /// Remove these.
    Remove,
}

/// A change of flags.
#[derive(Debug, Clone)]
pub struct Change {
    /// The messages.
    pub uids: UidSet,
    /// The kind of change.
    pub mode: Mode,
    /// Bits of system flags.
    pub system: i32,
    /// Keywords.
    pub keywords: Keywords,
    /// Skip messages changed after this MODSEQ (RFC 7162 §3.1.3).
    pub unchanged_since: Option<u64>,
}

/// Changes flags. An unchanged message keeps its MODSEQ.
pub async fn store_flags(
    store: &Store,
    user_id: i64,
    mailbox_id: i64,
    change: &Change,
) -> Result<StoreFlagsResponse> {
    repeated(|| try_store(store, user_id, mailbox_id, change)).await
}

async fn try_store(
    store: &Store,
    user_id: i64,
    mailbox_id: i64,
    change: &Change,
) -> Result<StoreFlagsResponse> {
    let mut transaction = store.begin().await?;
    let mailbox = lock::one(&mut transaction, user_id, mailbox_id).await?;
    let keywords = match change.mode {
        // An unknown keyword is on no message.
        Mode::Remove => change.keywords.clone().spelled_as(&mailbox.keywords).0,
        Mode::Replace | Mode::Add => {
            known_keywords::learn(&mut transaction, &mailbox, change.keywords.clone()).await?
        }
    };
    let rows = update(&mut transaction, &mailbox, change, &keywords).await?;
    if rows.iter().any(|row| row.keywords.len() > MAX_KEYWORDS) {
        return Err(Error::Exhausted("too many keywords on one message".into()));
    }
    let changed = rows.iter().any(|row| row.changed);
    let notice = Notice::Mailboxes(vec![(mailbox_id, unsigned(mailbox.next_modseq()))]);
    store
        .commit(
            transaction,
            if changed {
                std::slice::from_ref(&notice)
            } else {
                &[]
            },
        )
        .await?;
    let mut response = StoreFlagsResponse::default();
    for row in rows {
        if row.too_new {
            response.modified.push(narrow(row.uid));
        }
        response
            .messages
            .push(state(row.uid, row.modseq, row.flags, row.keywords));
    }
    Ok(response)
}

#[derive(Debug)]
struct Row {
    uid: i64,
    modseq: i64,
    flags: i32,
    keywords: Vec<String>,
    changed: bool,
    too_new: bool,
}

/// Updates messages and counters in one statement.
async fn update(
    connection: &mut PgConnection,
    mailbox: &Locked,
    change: &Change,
    keywords: &[String],
) -> Result<Vec<Row>> {
    // new = (old & keep) | set, for all three modes.
    let (keep, set) = match change.mode {
        Mode::Replace => (0, change.system),
        Mode::Add => (flag::ALL, change.system),
        Mode::Remove => (flag::ALL & !change.system, 0),
    };
    let rows = sqlx::query_as!(
        Row,
        r#"WITH named AS (
               SELECT uid, modseq, flags, keywords, modseq > $9 AS too_new,
                      (flags & $4) | $5 AS new_flags,
                      CASE WHEN $6 THEN $8::text[]
                           WHEN $7 THEN keywords
                             || ARRAY(SELECT k FROM UNNEST($8) AS k WHERE k <> ALL (keywords))
                           WHEN keywords = '{}' THEN keywords
                           ELSE ARRAY(SELECT k FROM UNNEST(keywords) AS k WHERE k <> ALL ($8))
                      END AS new_keywords
               FROM UNNEST($2::bigint[], $3::bigint[]) AS range (first, last)
               CROSS JOIN LATERAL (
                   SELECT * FROM mailbox.message
                   WHERE mailbox_id = $1 AND uid BETWEEN range.first AND range.last
                   ORDER BY uid) AS message
           ), changed AS (
               UPDATE mailbox.message
               SET flags = new_flags, keywords = new_keywords, modseq = $10
               FROM named
               WHERE message.mailbox_id = $1 AND message.uid = named.uid AND NOT too_new
                 AND (new_flags <> named.flags
                      OR NOT (new_keywords @> named.keywords AND named.keywords @> new_keywords))
               RETURNING message.uid, named.flags AS old_flags, new_flags
           ), counters AS (
               UPDATE mailbox.mailbox
               SET highest_modseq = $10, unseen = mailbox.unseen + sums.unseen,
                   deleted = mailbox.deleted + sums.deleted
               FROM (SELECT count(*),
                            sum((old_flags & 1) - (new_flags & 1)) AS unseen,
                            sum(((new_flags & 8) - (old_flags & 8)) / 8) AS deleted
                     FROM changed) AS sums
               WHERE mailbox_id = $1 AND sums.count > 0
           )
           SELECT uid AS "uid!",
                  CASE WHEN changed.uid IS NULL THEN modseq ELSE $10 END AS "modseq!",
                  CASE WHEN changed.uid IS NULL THEN flags ELSE named.new_flags END AS "flags!",
                  CASE WHEN changed.uid IS NULL THEN keywords ELSE new_keywords END AS "keywords!",
                  changed.uid IS NOT NULL AS "changed!",
                  too_new AS "too_new!"
           FROM named LEFT JOIN changed USING (uid) ORDER BY uid"#,
        mailbox.mailbox_id,
        &change.uids.firsts(),
        &change.uids.lasts(),
        keep,
        set,
        change.mode == Mode::Replace,
        change.mode == Mode::Add,
        keywords,
        change.unchanged_since.map_or(i64::MAX, signed),
        mailbox.next_modseq(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}
