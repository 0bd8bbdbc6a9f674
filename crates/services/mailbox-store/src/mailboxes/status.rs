//! STATUS: reads one row per mailbox, and no message.

use api::mailbox::v1::MailboxState;

use super::lock::{State, no_such_name};
use crate::Result;
use crate::store::Store;
use crate::values::MailboxName;

/// The states of the named mailboxes, in the given order.
pub async fn status(
    store: &Store,
    user_id: i64,
    names: &[MailboxName],
) -> Result<Vec<MailboxState>> {
    let asked: Vec<String> = names.iter().map(|name| name.as_str().to_owned()).collect();
    let rows = sqlx::query!(
        r#"SELECT asked.n AS "n!", mailbox_id, uid_validity, uid_next, highest_modseq, messages,
                  unseen, deleted, size
           FROM UNNEST($2::text[]) WITH ORDINALITY AS asked (name, n)
           JOIN mailbox.mailbox ON mailbox.user_id = $1 AND mailbox.name = asked.name
           ORDER BY 1"#,
        user_id,
        &asked
    )
    .fetch_all(store.pool())
    .await?;
    // The first row out of position shows which name is missing.
    let out_of_place = rows.iter().zip(1..).position(|(row, n)| row.n != n);
    if let Some(name) = names.get(out_of_place.unwrap_or(rows.len())) {
        return Err(no_such_name(name));
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            State {
                mailbox_id: row.mailbox_id,
                uid_validity: row.uid_validity,
                uid_next: row.uid_next,
                highest_modseq: row.highest_modseq,
                messages: row.messages,
                unseen: row.unseen,
                deleted: row.deleted,
                size: row.size,
            }
            .into()
        })
        .collect())
}
