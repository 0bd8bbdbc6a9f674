//! COPY and MOVE (RFC 6851). A copy is another row with the same body (I12).

use api::mailbox::v1::CopyResponse;
use sqlx::PgConnection;

use super::expunge::{self, Removed};
use super::known_keywords;
use crate::mailboxes::lock::{self, Locked};
use crate::notices::Notice;
use crate::store::{Store, repeated};
use crate::values::{MailboxName, UidSet, narrow, unsigned};
use crate::{Error, Result};

/// Messages and their destination.
#[derive(Debug, Clone, Copy)]
struct Job<'a> {
    from: i64,
    uids: &'a UidSet,
    user_id: i64,
    to: &'a MailboxName,
    removing: bool,
}

/// Copies messages, with flags and dates, to the end of a mailbox of the user.
pub async fn copy(
    store: &Store,
    from: i64,
    uids: &UidSet,
    user_id: i64,
    to: &MailboxName,
) -> Result<CopyResponse> {
    let job = Job {
        from,
        uids,
        user_id,
        to,
        removing: false,
    };
    repeated(|| try_transfer(store, job)).await
}

/// Copies messages and expunges the originals, in one transaction.
pub async fn move_messages(
    store: &Store,
    from: i64,
    uids: &UidSet,
    user_id: i64,
    to: &MailboxName,
) -> Result<CopyResponse> {
    let job = Job {
        from,
        uids,
        user_id,
        to,
        removing: true,
    };
    repeated(|| try_transfer(store, job)).await
}

async fn try_transfer(store: &Store, job: Job<'_>) -> Result<CopyResponse> {
    let mut transaction = store.begin().await?;
    let to_id = lock::id_of(&mut transaction, job.user_id, job.to).await?;
    if let Err(error) = store.has_room()
        && !job.removing
        && !is_trash(&mut transaction, to_id).await?
    {
        return Err(error);
    }
    let mut locked = lock::all(&mut transaction, job.user_id, &[job.from, to_id]).await?;
    let from = locked
        .get(&job.from)
        .cloned()
        .ok_or_else(|| lock::missing(job.from))?;
    let to = locked
        .remove(&to_id)
        .ok_or_else(|| lock::no_such_name(job.to))?;
    let pairs = insert_copies(&mut transaction, &from, job.uids, &to).await?;
    if pairs.is_empty() {
        return Ok(response(&to, &pairs));
    }
    let mut told = vec![(to_id, unsigned(to.next_modseq()))];
    if job.removing {
        // Within one mailbox, the copies have taken a MODSEQ already.
        let from = if job.from == to_id {
            advanced(&to)
        } else {
            from
        };
        let modseq = remove_originals(&mut transaction, &from, &pairs).await?;
        told.push((job.from, unsigned(modseq)));
    }
    store
        .commit(transaction, &[Notice::Mailboxes(told)])
        .await?;
    Ok(response(&to, &pairs))
}

/// Whether the mailbox is the one for deleted messages: a client without MOVE copies messages there before it
/// expunges them.
async fn is_trash(connection: &mut PgConnection, mailbox_id: i64) -> Result<bool> {
    let special_use = sqlx::query_scalar!(
        "SELECT special_use FROM mailbox.mailbox WHERE mailbox_id = $1",
        mailbox_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(special_use.as_deref() == Some("\\Trash"))
}

/// Moves everything from one mailbox into another that the same transaction has just created, for renaming
/// INBOX (RFC 9051 §6.3.6). Returns the changes to report after the commit.
pub async fn move_all_to_new(
    connection: &mut PgConnection,
    user_id: i64,
    from: i64,
    to: i64,
) -> Result<Vec<(i64, u64)>> {
    let mut locked = lock::all(connection, user_id, &[from, to]).await?;
    let (Some(from), Some(to)) = (locked.remove(&from), locked.remove(&to)) else {
        return Err(Error::Internal(
            "a mailbox vanished under its owner's lock".into(),
        ));
    };
    let pairs = insert_copies(connection, &from, &UidSet::all(), &to).await?;
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let modseq = remove_originals(connection, &from, &pairs).await?;
    Ok(vec![
        (from.mailbox_id, unsigned(modseq)),
        (to.mailbox_id, unsigned(to.next_modseq())),
    ])
}

fn advanced(mailbox: &Locked) -> Locked {
    Locked {
        highest_modseq: mailbox.next_modseq(),
        ..mailbox.clone()
    }
}

/// UID of the copy, UID of the original.
#[derive(Debug)]
struct Pair {
    from_uid: i64,
    to_uid: i64,
}

/// Inserts copies into a locked mailbox and updates its counters. Sorted by UID.
async fn insert_copies(
    connection: &mut PgConnection,
    from: &Locked,
    uids: &UidSet,
    to: &Locked,
) -> Result<Vec<Pair>> {
    // Messages use the spelling of their mailbox.
    let mut spelled = Vec::new();
    if !from.keywords.is_empty() && from.mailbox_id != to.mailbox_id {
        let keywords = known_keywords::on_messages(connection, from.mailbox_id, uids).await?;
        spelled = known_keywords::learn(connection, to, keywords).await?;
    }
    Ok(sqlx::query_as!(
        Pair,
        r#"WITH source AS (
               SELECT message.*, $4::bigint - 1 + row_number() OVER (ORDER BY uid) AS to_uid
               FROM UNNEST($2::bigint[], $3::bigint[]) AS range (first, last)
               CROSS JOIN LATERAL (
                   SELECT * FROM mailbox.message
                   WHERE mailbox_id = $1 AND uid BETWEEN range.first AND range.last
                   ORDER BY uid) AS message
           ), copied AS (
               INSERT INTO mailbox.message (mailbox_id, uid, modseq, body_id, internal_date, size,
                                            flags, keywords, prefix)
               SELECT $5, to_uid, $6, body_id, internal_date, size, flags,
                      CASE WHEN keywords = '{}' THEN keywords ELSE
                          ARRAY(SELECT COALESCE((SELECT known FROM UNNEST($7::text[]) AS known
                                                 WHERE lower(known) = lower(k)), k)
                                FROM UNNEST(keywords) AS k) END,
                      prefix
               FROM source ORDER BY to_uid
           ), counters AS (
               UPDATE mailbox.mailbox
               SET uid_next = sums.uid_next, highest_modseq = $6,
                   messages = messages + sums.count, unseen = mailbox.unseen + sums.unseen,
                   deleted = mailbox.deleted + sums.deleted, size = mailbox.size + sums.size
               FROM (SELECT count(*), max(to_uid) + 1 AS uid_next, sum(size)::bigint AS size,
                            count(*) FILTER (WHERE flags & 1 = 0) AS unseen,
                            count(*) FILTER (WHERE flags & 8 <> 0) AS deleted
                     FROM source) AS sums
               WHERE mailbox_id = $5 AND sums.count > 0
           )
           SELECT uid AS "from_uid!", to_uid AS "to_uid!" FROM source ORDER BY uid"#,
        from.mailbox_id,
        &uids.firsts(),
        &uids.lasts(),
        to.uid_next,
        to.mailbox_id,
        to.next_modseq(),
        &spelled,
    )
    .fetch_all(connection)
    .await?)
}

/// Expunges the copied messages, whatever their flags. Their bodies are still in use.
async fn remove_originals(
    connection: &mut PgConnection,
    from: &Locked,
    pairs: &[Pair],
) -> Result<i64> {
    let uids: Vec<i64> = pairs.iter().map(|pair| pair.from_uid).collect();
    let removed = sqlx::query_as!(
        Removed,
        "DELETE FROM mailbox.message WHERE mailbox_id = $1 AND uid = ANY($2)
         RETURNING uid, flags, size",
        from.mailbox_id,
        &uids
    )
    .fetch_all(&mut *connection)
    .await?;
    expunge::log(connection, from, &removed).await
}

fn response(to: &Locked, pairs: &[Pair]) -> CopyResponse {
    CopyResponse {
        uid_validity: narrow(to.uid_validity),
        from_uids: pairs.iter().map(|pair| narrow(pair.from_uid)).collect(),
        to_uids: pairs.iter().map(|pair| narrow(pair.to_uid)).collect(),
        mailbox_id: to.mailbox_id,
    }
}
