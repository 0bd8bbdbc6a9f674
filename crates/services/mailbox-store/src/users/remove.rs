//! Removal of users with all their mail.

use crate::mailboxes;
use crate::notices::{GONE, Notice};
use crate::store::{Store, repeated};
use crate::values::UserAddress;
use crate::{Error, Result};

/// Removes a user with all their data.
pub async fn remove(store: &Store, address: &UserAddress) -> Result<()> {
    repeated(|| try_remove(store, address)).await
}

async fn try_remove(store: &Store, address: &UserAddress) -> Result<()> {
    let mut transaction = store.begin().await?;
    let user_id = sqlx::query_scalar!(
        "SELECT user_id FROM mailbox.user WHERE address = $1 FOR UPDATE",
        address.as_str()
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Error::NotFound(format!("user {address}")))?;
    let mailbox_ids = mailboxes::delete_all_of(&mut transaction, user_id).await?;
    sqlx::query!(
        "DELETE FROM mailbox.subscription WHERE user_id = $1",
        user_id
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!("DELETE FROM mailbox.user WHERE user_id = $1", user_id)
        .execute(&mut *transaction)
        .await?;
    let notices = [
        Notice::Mailboxes(mailbox_ids.into_iter().map(|id| (id, GONE)).collect()),
        Notice::User {
            address: address.as_str().to_owned(),
            exists: false,
        },
        Notice::Password { user_id },
    ];
    store.commit(transaction, &notices).await
}
