//! Deletion of mailboxes with their contents.

use sqlx::PgConnection;

use super::lock;
use crate::clock;
use crate::notices::{GONE, Notice};
use crate::store::{Store, repeated};
use crate::values::MailboxName;
use crate::{Error, Result};

/// Deletes a mailbox. Its inferiors stay (RFC 9051 §6.3.5), and so does a subscription. Returns its id.
pub async fn delete(store: &Store, user_id: i64, name: &MailboxName) -> Result<i64> {
    if name.is_inbox() {
        return Err(Error::Precondition("INBOX cannot be deleted".into()));
    }
    repeated(|| try_delete(store, user_id, name)).await
}

async fn try_delete(store: &Store, user_id: i64, name: &MailboxName) -> Result<i64> {
    let mut transaction = store.begin().await?;
    lock::names_of(&mut transaction, user_id).await?;
    let mailbox = lock::named(&mut transaction, user_id, name).await?;
    let gone = [mailbox.mailbox_id];
    remove(&mut transaction, &gone).await?;
    let notice = Notice::Mailboxes(vec![(mailbox.mailbox_id, GONE)]);
    store.commit(transaction, &[notice]).await?;
    Ok(mailbox.mailbox_id)
}

/// Deletes all mailboxes of a user. The caller's transaction removes the user and has locked their row.
/// Returns the ids.
pub async fn delete_all_of(connection: &mut PgConnection, user_id: i64) -> Result<Vec<i64>> {
    let mailbox_ids = sqlx::query_scalar!(
        "SELECT mailbox_id FROM mailbox.mailbox WHERE user_id = $1
         ORDER BY mailbox_id FOR UPDATE",
        user_id
    )
    .fetch_all(&mut *connection)
    .await?;
    remove(connection, &mailbox_ids).await?;
    Ok(mailbox_ids)
}

async fn remove(connection: &mut PgConnection, mailbox_ids: &[i64]) -> Result<()> {
    // Locked first, in the same order as a sweep: a sweep holds a body's entry when it asks whether messages
    // refer to the body.
    let bodies = sqlx::query_scalar!(
        "SELECT body_id FROM mailbox.message WHERE mailbox_id = ANY($1)",
        mailbox_ids
    )
    .fetch_all(&mut *connection)
    .await?;
    volume::garbage::add(&mut *connection, &bodies, clock::bodies_due()).await?;
    sqlx::query!(
        "DELETE FROM mailbox.message WHERE mailbox_id = ANY($1)",
        mailbox_ids
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM mailbox.expunged WHERE mailbox_id = ANY($1)",
        mailbox_ids
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM mailbox.mailbox WHERE mailbox_id = ANY($1)",
        mailbox_ids
    )
    .execute(connection)
    .await?;
    Ok(())
}
