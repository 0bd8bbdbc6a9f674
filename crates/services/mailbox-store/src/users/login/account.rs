//! The account of a login.

use std::num::NonZeroU32;

use super::super::row::Row;
use super::super::scram::Keys;
use crate::Result;
use crate::store::Store;
use crate::values::UserAddress;

#[derive(Debug)]
pub(super) struct Account {
    pub(super) user: Row,
    pub(super) hash: String,
    pub(super) keys: Option<Keys>,
}

/// The account's id, or an id of no user if there is no account: the database is asked in both cases, so that
/// the time is the same.
pub(super) fn user_id(account: Option<&Account>) -> i64 {
    account.map_or(0, |account| account.user.user_id)
}

impl Account {
    pub(super) fn at(&self, peer: &str) -> (i64, String) {
        (self.user.user_id, peer.to_owned())
    }
}

/// The account with this address, with the data that verify its password.
pub(super) async fn find(
    store: &Store,
    iterations: NonZeroU32,
    address: &UserAddress,
) -> Result<Option<Account>> {
    let row = sqlx::query!(
        r#"SELECT user_id, address, created_at, password, scram,
                  COALESCE(sum(size), 0)::bigint AS "used!",
                  COALESCE(sum(messages), 0)::bigint AS "messages!"
           FROM mailbox.user LEFT JOIN mailbox.mailbox USING (user_id)
           WHERE address = $1 GROUP BY user_id"#,
        address.as_str()
    )
    .fetch_optional(store.pool())
    .await?;
    Ok(row.map(|row| Account {
        hash: row.password,
        keys: Keys::read(row.scram, iterations),
        user: Row {
            user_id: row.user_id,
            address: row.address,
            created_at: row.created_at,
            used: row.used,
            messages: row.messages,
        },
    }))
}
