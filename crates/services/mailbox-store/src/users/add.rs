//! New users.

use api::directory::v1::User;

use super::hashing::Passwords;
use super::password::Password;
use super::scram;
use crate::mailboxes;
use crate::notices::Notice;
use crate::store::{Store, repeated};
use crate::values::UserAddress;
use crate::{Error, Result, clock};

/// Adds a user with INBOX and the usual mailboxes.
pub async fn add(
    store: &Store,
    passwords: &Passwords,
    address: &UserAddress,
    password: &Password,
) -> Result<User> {
    let hash = passwords.hash(password).await?;
    let salt = scram::salt(store, address.as_str()).await?;
    let keys = passwords.scram_keys(password, salt).await?;
    repeated(|| try_add(store, address, &hash, keys.as_ref())).await
}

async fn try_add(
    store: &Store,
    address: &UserAddress,
    hash: &str,
    keys: Option<&scram::Keys>,
) -> Result<User> {
    let mut transaction = store.begin().await?;
    let created_at = clock::now();
    let user_id = sqlx::query_scalar!(
        "INSERT INTO mailbox.user (address, password, created_at, scram)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (address) DO NOTHING RETURNING user_id",
        address.as_str(),
        hash,
        created_at,
        keys.map(scram::Keys::as_bytes)
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Error::AlreadyExists(format!("user {address}")))?;
    mailboxes::insert_usual(&mut transaction, user_id).await?;
    let address = address.as_str().to_owned();
    let notice = Notice::User {
        address: address.clone(),
        exists: true,
    };
    store.commit(transaction, &[notice]).await?;
    Ok(User {
        user_id,
        address,
        created_at_ms: created_at,
        used: 0,
        messages: 0,
    })
}
