//! All mailboxes of a user.

use api::mailbox::v1::Mailbox;

use crate::store::Store;
use crate::values::narrow;
use crate::{Error, Result};

/// Mailboxes by name. Subscribed names without a mailbox have id 0.
pub async fn list(store: &Store, user_id: i64) -> Result<Vec<Mailbox>> {
    let rows = sqlx::query!(
        r#"SELECT COALESCE(mailbox.name, subscription.name) AS "name!",
                  COALESCE(mailbox.mailbox_id, 0) AS "mailbox_id!",
                  COALESCE(mailbox.uid_validity, 0) AS "uid_validity!",
                  COALESCE(mailbox.special_use, '') AS "special_use!",
                  subscription.name IS NOT NULL AS "subscribed!"
           FROM (SELECT * FROM mailbox.mailbox WHERE user_id = $1) AS mailbox
           FULL JOIN (SELECT * FROM mailbox.subscription WHERE user_id = $1) AS subscription
             USING (name)
           ORDER BY COALESCE(mailbox.name, subscription.name) COLLATE "C""#,
        user_id
    )
    .fetch_all(store.pool())
    .await?;
    // Every user has an INBOX.
    if rows.is_empty() {
        return Err(Error::NotFound(format!("user {user_id}")));
    }
    Ok(rows
        .into_iter()
        .map(|row| Mailbox {
            mailbox_id: row.mailbox_id,
            name: row.name,
            uid_validity: narrow(row.uid_validity),
            subscribed: row.subscribed,
            special_use: row.special_use,
        })
        .collect())
}
