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
    /// Checks the permission to change the user with this id and address. Without it the user does not exist.
    ///
    /// Compares ids, not addresses, and in the transaction of the change: an address may pass to another user.
    pub(super) fn may_change(self, user_id: i64, address: &UserAddress) -> Result<()> {
        match self {
            Self::User(by) if by != user_id => {
                tracing::warn!(by, user_id, "a change of another user was asked for");
                Err(Error::NotFound(format!("user {address}")))
            }
            Self::User(_) | Self::Administrator => Ok(()),
        }
    }
}
