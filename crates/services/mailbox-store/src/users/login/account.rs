//! The account of a login.

use std::num::NonZeroU32;

use super::super::scram::Keys;
use crate::Result;
use crate::store::Store;
use crate::values::UserAddress;

#[derive(Debug)]
pub(super) struct Account {
    pub(super) user_id: i64,
    pub(super) address: String,
    pub(super) hash: String,
    pub(super) keys: Option<Keys>,
}

/// The account's id, or an id of no user if there is no account: the database is asked in both cases, so that
/// the time is the same.
pub(super) fn user_id(account: Option<&Account>) -> i64 {
    account.map_or(0, |account| account.user_id)
}

impl Account {
    pub(super) fn at(&self, peer: &str) -> (i64, String) {
        (self.user_id, peer.to_owned())
    }
}

/// The account with this address, with the data that verify its password.
pub(super) async fn find(
    store: &Store,
    iterations: NonZeroU32,
    address: &UserAddress,
) -> Result<Option<Account>> {
    let row = sqlx::query!(
        "SELECT user_id, address, password, scram FROM mailbox.user WHERE address = $1",
        address.as_str()
    )
    .fetch_optional(store.pool())
    .await?;
    Ok(row.map(|row| Account {
        hash: row.password,
        keys: Keys::read(row.scram, iterations),
        user_id: row.user_id,
        address: row.address,
    }))
}
