//! Change of passwords.

use super::by::By;
use super::hashing::Passwords;
use super::password::Password;
use super::scram;
use crate::notices::Notice;
use crate::store::{Store, repeated};
use crate::values::UserAddress;
use crate::{Error, Result};

/// Sets a user's password.
pub async fn set_password(
    store: &Store,
    passwords: &Passwords,
    by: By,
    address: &UserAddress,
    password: &Password,
) -> Result<()> {
    let hash = passwords.hash(password).await?;
    let salt = scram::salt(store, address.as_str()).await?;
    let keys = passwords.scram_keys(password, salt).await?;
    repeated(|| try_set(store, by, address, &hash, keys.as_ref())).await
}

async fn try_set(
    store: &Store,
    by: By,
    address: &UserAddress,
    hash: &str,
    keys: Option<&scram::Keys>,
) -> Result<()> {
    let mut transaction = store.begin().await?;
    let user_id = sqlx::query_scalar!(
        "UPDATE mailbox.user SET password = $2, scram = $3
         WHERE address = $1 RETURNING user_id",
        address.as_str(),
        hash,
        keys.map(scram::Keys::as_bytes)
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Error::NotFound(format!("user {address}")))?;
    by.may_change(user_id, address)?;
    store
        .commit(transaction, &[Notice::Password { user_id }])
        .await
}
