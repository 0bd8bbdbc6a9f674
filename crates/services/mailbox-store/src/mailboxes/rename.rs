//! Renaming (RFC 9051 §6.3.6).

use sqlx::PgConnection;

use super::create::insert_superiors;
use super::lock;
use crate::messages;
use crate::notices::Notice;
use crate::store::{Store, repeated};
use crate::values::MailboxName;
use crate::{Error, Result};

/// Renames a mailbox and its inferiors. INBOX is not renamed: its messages move to a new mailbox.
pub async fn rename(
    store: &Store,
    user_id: i64,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<()> {
    if to.is_inbox() {
        return Err(Error::AlreadyExists("mailbox INBOX".into()));
    }
    if to == from || (to.is_below(from) && !from.is_inbox()) {
        return Err(Error::Precondition(
            "a mailbox cannot be moved below itself".into(),
        ));
    }
    repeated(|| try_rename(store, user_id, from, to)).await
}

async fn try_rename(
    store: &Store,
    user_id: i64,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<()> {
    let mut transaction = store.begin().await?;
    lock::names_of(&mut transaction, user_id).await?;
    insert_superiors(&mut transaction, user_id, to).await?;
    let changes = if from.is_inbox() {
        empty_inbox(&mut transaction, user_id, to).await?
    } else {
        rename_tree(&mut transaction, user_id, from, to).await?;
        Vec::new()
    };
    store
        .commit(transaction, &[Notice::Mailboxes(changes)])
        .await
}

async fn rename_tree(
    connection: &mut PgConnection,
    user_id: i64,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<()> {
    let all = sqlx::query!(
        "SELECT mailbox_id, name FROM mailbox.mailbox WHERE user_id = $1 ORDER BY mailbox_id",
        user_id
    )
    .fetch_all(&mut *connection)
    .await?;
    let (mut ids, mut names) = (Vec::new(), Vec::new());
    for row in &all {
        let renamed = MailboxName::parse(&row.name)?.renamed(from, to);
        if let Some(name) = renamed {
            // The new name may be too long, or too deep.
            names.push(MailboxName::parse(name.as_str())?.to_string());
            ids.push(row.mailbox_id);
        }
    }
    if ids.is_empty() {
        return Err(lock::no_such_name(from));
    }
    if let Some(taken) = all.iter().find(|row| names.contains(&row.name)) {
        return Err(Error::AlreadyExists(format!("mailbox {}", taken.name)));
    }
    lock::all(connection, user_id, &ids).await?;
    sqlx::query!(
        "UPDATE mailbox.mailbox SET name = renamed.name
         FROM UNNEST($1::bigint[], $2::text[]) AS renamed (mailbox_id, name)
         WHERE mailbox.mailbox_id = renamed.mailbox_id",
        &ids,
        &names
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Creates the new mailbox and moves INBOX's messages into it. Inferiors of INBOX stay.
async fn empty_inbox(
    connection: &mut PgConnection,
    user_id: i64,
    to: &MailboxName,
) -> Result<Vec<(i64, u64)>> {
    let inbox = lock::id_of(connection, user_id, &MailboxName::inbox()).await?;
    let made = sqlx::query_scalar!(
        "INSERT INTO mailbox.mailbox (user_id, name) VALUES ($1, $2)
         ON CONFLICT (user_id, name) DO NOTHING RETURNING mailbox_id",
        user_id,
        to.as_str()
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| Error::AlreadyExists(format!("mailbox {to}")))?;
    messages::move_all_to_new(connection, user_id, inbox, made).await
}
