//! Subscriptions: names, with or without a mailbox (RFC 9051 §6.3.7).

use super::lock;
use crate::store::{Store, repeated};
use crate::values::MailboxName;
use crate::{Error, Result};

/// Maximum number of a user's subscriptions, which need no mailbox.
const MAX_SUBSCRIPTIONS: i64 = 10_000;

/// Subscribes to a name, or unsubscribes from it.
pub async fn set_subscribed(
    store: &Store,
    user_id: i64,
    name: &MailboxName,
    subscribed: bool,
) -> Result<()> {
    repeated(|| try_set(store, user_id, name, subscribed)).await
}

async fn try_set(store: &Store, user_id: i64, name: &MailboxName, subscribed: bool) -> Result<()> {
    let mut transaction = store.begin().await?;
    lock::names_of(&mut transaction, user_id).await?;
    if subscribed {
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM mailbox.subscription WHERE user_id = $1"#,
            user_id
        )
        .fetch_one(&mut *transaction)
        .await?;
        if count >= MAX_SUBSCRIPTIONS {
            return Err(Error::Exhausted("too many subscriptions".into()));
        }
        sqlx::query!(
            "INSERT INTO mailbox.subscription (user_id, name) VALUES ($1, $2)
             ON CONFLICT DO NOTHING",
            user_id,
            name.as_str()
        )
        .execute(&mut *transaction)
        .await?;
    } else {
        sqlx::query!(
            "DELETE FROM mailbox.subscription WHERE user_id = $1 AND name = $2",
            user_id,
            name.as_str()
        )
        .execute(&mut *transaction)
        .await?;
    }
    store.commit(transaction, &[]).await
}
