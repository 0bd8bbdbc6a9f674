//! Permission to change a user.

use crate::values::UserAddress;
use crate::{Error, Result};

/// The actor of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// May change every user.
    Administrator,
    /// May change only the user with this id.
    User(i64),
}

impl By {
    /// Checks the permission to change the user with this id and address. Without permission the
    /// user is reported as missing.
    ///
    /// Compares ids, not addresses: an address may pass to another user. The change must use the same id, or be
    /// in the same transaction.
    pub(super) fn may_change(self, user_id: i64, address: &UserAddress) -> Result<()> {
        match self {
            Self::User(by) if by != user_id => {
                tracing::warn!(
                    by,
                    user_id,
                    "a request for another user's account was refused"
                );
                Err(Error::NotFound(format!("user {address}")))
            }
            Self::User(_) | Self::Administrator => Ok(()),
        }
    }
}
