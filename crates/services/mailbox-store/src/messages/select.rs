//! Opening a mailbox.

use api::mailbox::v1::{MailboxState, MessageState};

use super::state;
use crate::Result;
use crate::mailboxes::lock::{State, no_such_name};
use crate::store::Store;
use crate::values::MailboxName;

/// A mailbox with all its messages, at one moment.
#[derive(Debug)]
pub struct Selected {
    /// The mailbox.
    pub state: MailboxState,
    /// Its keywords.
    pub keywords: Vec<String>,
    /// By UID.
    pub messages: Vec<MessageState>,
}

/// Reads a mailbox's state and its messages' flags.
///
/// Everything is read before the first item is sent: about ten octets per message, and no transaction waits
/// for a slow client (I7).
pub async fn select(store: &Store, user_id: i64, name: &MailboxName) -> Result<Selected> {
    let mut snapshot = store.snapshot().await?;
    let row = sqlx::query!(
        "SELECT mailbox_id, uid_validity, uid_next, highest_modseq, messages, unseen, deleted,
                size, keywords
         FROM mailbox.mailbox WHERE user_id = $1 AND name = $2",
        user_id,
        name.as_str()
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| no_such_name(name))?;
    let messages = sqlx::query!(
        r#"SELECT uid, modseq, flags, NULLIF(keywords, '{}') AS keywords
           FROM mailbox.message WHERE mailbox_id = $1 ORDER BY uid"#,
        row.mailbox_id
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
    let keywords = row.keywords;
    let state = State {
        mailbox_id: row.mailbox_id,
        uid_validity: row.uid_validity,
        uid_next: row.uid_next,
        highest_modseq: row.highest_modseq,
        messages: row.messages,
        unseen: row.unseen,
        deleted: row.deleted,
        size: row.size,
    };
    Ok(Selected {
        state: state.into(),
        keywords,
        messages,
    })
}
