//! Permanent removal of messages, and the log of it (I6).

use api::mailbox::v1::ExpungeResponse;
use sqlx::PgConnection;

use crate::mailboxes::lock::{self, Locked};
use crate::notices::Notice;
use crate::store::{Store, repeated};
use crate::values::{UidSet, flag, narrow, ranges_of, unsigned};
use crate::{Result, clock};

/// Removes those messages among `uids` that are marked `\Deleted`. Messages already removed by another
/// session are no error.
pub async fn expunge(
    store: &Store,
    user_id: i64,
    mailbox_id: i64,
    uids: &UidSet,
) -> Result<ExpungeResponse> {
    repeated(|| try_expunge(store, user_id, mailbox_id, uids)).await
}

async fn try_expunge(
    store: &Store,
    user_id: i64,
    mailbox_id: i64,
    uids: &UidSet,
) -> Result<ExpungeResponse> {
    let mut transaction = store.begin().await?;
    let mailbox = lock::one(&mut transaction, user_id, mailbox_id).await?;
    // Locked first, in the same order as a sweep: a sweep holds a body's entry when it asks whether messages
    // refer to the body.
    let bodies = sqlx::query_scalar!(
        "SELECT body_id FROM UNNEST($2::bigint[], $3::bigint[]) AS range (first, last)
         CROSS JOIN LATERAL (
             SELECT body_id FROM mailbox.message
             WHERE mailbox_id = $1 AND uid BETWEEN range.first AND range.last
               AND flags & $4 <> 0
             ORDER BY uid) AS message",
        mailbox_id,
        &uids.firsts(),
        &uids.lasts(),
        flag::DELETED
    )
    .fetch_all(&mut *transaction)
    .await?;
    if bodies.is_empty() {
        return Ok(ExpungeResponse {
            uids: Vec::new(),
            highest_modseq: unsigned(mailbox.highest_modseq),
        });
    }
    volume::garbage::add(&mut *transaction, &bodies, clock::bodies_due()).await?;
    let removed = sqlx::query_as!(
        Removed,
        "WITH doomed AS (
             SELECT uid FROM UNNEST($2::bigint[], $3::bigint[]) AS range (first, last)
             CROSS JOIN LATERAL (
                 SELECT uid FROM mailbox.message
                 WHERE mailbox_id = $1 AND uid BETWEEN range.first AND range.last
                   AND flags & $4 <> 0
                 ORDER BY uid) AS message)
         DELETE FROM mailbox.message USING doomed
         WHERE mailbox_id = $1 AND message.uid = doomed.uid
         RETURNING message.uid, flags, size",
        mailbox_id,
        &uids.firsts(),
        &uids.lasts(),
        flag::DELETED
    )
    .fetch_all(&mut *transaction)
    .await?;
    let modseq = log(&mut transaction, &mailbox, &removed).await?;
    store
        .commit(
            transaction,
            &[Notice::Mailboxes(vec![(mailbox_id, unsigned(modseq))])],
        )
        .await?;
    let mut uids: Vec<u32> = removed.iter().map(|message| narrow(message.uid)).collect();
    uids.sort_unstable();
    Ok(ExpungeResponse {
        uids,
        highest_modseq: unsigned(modseq),
    })
}

/// A deleted row of a message.
#[derive(Debug)]
pub(super) struct Removed {
    pub(super) uid: i64,
    pub(super) flags: i32,
    pub(super) size: i64,
}

/// Logs deleted rows of a locked mailbox and updates its counters. Returns the MODSEQ.
pub(super) async fn log(
    connection: &mut PgConnection,
    mailbox: &Locked,
    removed: &[Removed],
) -> Result<i64> {
    let modseq = mailbox.next_modseq();
    let uids: UidSet = removed.iter().map(|message| narrow(message.uid)).collect();
    let ranges = ranges_of(&uids);
    let firsts: Vec<i64> = ranges.iter().map(|range| range.first.into()).collect();
    let lasts: Vec<i64> = ranges.iter().map(|range| range.last.into()).collect();
    sqlx::query!(
        "INSERT INTO mailbox.expunged (mailbox_id, modseq, first, last)
         SELECT $1, $2, * FROM UNNEST($3::bigint[], $4::bigint[])",
        mailbox.mailbox_id,
        modseq,
        &firsts,
        &lasts
    )
    .execute(&mut *connection)
    .await?;
    let count = |test: &dyn Fn(i32) -> bool| {
        i64::try_from(removed.iter().filter(|message| test(message.flags)).count())
            .unwrap_or(i64::MAX)
    };
    sqlx::query!(
        "UPDATE mailbox.mailbox
         SET highest_modseq = $2, messages = messages - $3, unseen = unseen - $4,
             deleted = deleted - $5, size = size - $6
         WHERE mailbox_id = $1",
        mailbox.mailbox_id,
        modseq,
        count(&|_| true),
        count(&|flags| flags & flag::SEEN == 0),
        count(&|flags| flags & flag::DELETED != 0),
        removed.iter().map(|message| message.size).sum::<i64>()
    )
    .execute(connection)
    .await?;
    Ok(modseq)
}
