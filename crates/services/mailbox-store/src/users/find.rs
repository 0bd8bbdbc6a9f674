//! Look-up of users by address.

use std::collections::HashSet;

use crate::Result;
use crate::store::Store;
use crate::values::UserAddress;

/// Whether each of the addresses is a user, in the given order. A malformed address is no user.
pub async fn find(store: &Store, addresses: &[String]) -> Result<Vec<bool>> {
    let parsed: Vec<Option<String>> = addresses
        .iter()
        .map(|text| UserAddress::parse(text).ok().map(UserAddress::into_string))
        .collect();
    let asked: Vec<&str> = parsed.iter().flatten().map(String::as_str).collect();
    let known: HashSet<String> = sqlx::query_scalar!(
        "SELECT address FROM mailbox.user WHERE address = ANY($1)",
        &asked as &[&str]
    )
    .fetch_all(store.pool())
    .await?
    .into_iter()
    .collect();
    Ok(parsed
        .iter()
        .map(|address| {
            address
                .as_ref()
                .is_some_and(|address| known.contains(address))
        })
        .collect())
}
