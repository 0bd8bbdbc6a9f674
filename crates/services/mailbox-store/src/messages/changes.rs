//! Changes in a mailbox after a MODSEQ, for IDLE, CONDSTORE and QRESYNC (RFC 7162).

use api::mailbox::v1::{GetChangesResponse, UidRange};

use super::state;
use crate::Result;
use crate::mailboxes::lock::State;
use crate::store::Store;
use crate::values::{narrow, signed};

/// The answer for a mailbox that does not exist or has been deleted.
pub fn deleted() -> GetChangesResponse {
    GetChangesResponse {
        deleted: true,
        ..Default::default()
    }
}

/// Changes with a MODSEQ above `since`, all at one moment.
pub async fn changes(store: &Store, mailbox_id: i64, since: u64) -> Result<GetChangesResponse> {
    let since = signed(since);
    let mut snapshot = store.snapshot().await?;
    let mailbox = sqlx::query_as!(
        State,
        "SELECT mailbox_id, uid_validity, uid_next, highest_modseq, messages, unseen, deleted, size
         FROM mailbox.mailbox WHERE mailbox_id = $1",
        mailbox_id
    )
    .fetch_optional(&mut *snapshot)
    .await?;
    let Some(mailbox) = mailbox else {
        return Ok(deleted());
    };
    if mailbox.highest_modseq <= since {
        return Ok(GetChangesResponse {
            state: Some(mailbox.into()),
            ..Default::default()
        });
    }
    let changed = sqlx::query!(
        r#"SELECT uid, modseq, flags, NULLIF(keywords, '{}') AS keywords
           FROM mailbox.message WHERE mailbox_id = $1 AND modseq > $2 ORDER BY uid"#,
        mailbox_id,
        since
    )
    .map(|row| {
        state(
            row.uid,
            row.modseq,
            row.flags,
            row.keywords.unwrap_or_default(),
        )
    })
    .fetch_all(&mut *snapshot)
    .await?;
    let expunged = sqlx::query!(
        "SELECT first, last FROM mailbox.expunged WHERE mailbox_id = $1 AND modseq > $2
         ORDER BY first",
        mailbox_id,
        since
    )
    .map(|row| UidRange {
        first: narrow(row.first),
        last: narrow(row.last),
    })
    .fetch_all(&mut *snapshot)
    .await?;
    Ok(GetChangesResponse {
        state: Some(mailbox.into()),
        changed,
        expunged,
        deleted: false,
    })
}
