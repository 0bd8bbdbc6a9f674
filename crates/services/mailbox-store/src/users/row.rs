//! A user as a row, with sums over their mailboxes.

use api::directory::v1 as proto;

use crate::values::unsigned;

/// The columns of a user.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) user_id: i64,
    pub(super) address: String,
    pub(super) created_at: i64,
    pub(super) used: i64,
    pub(super) messages: i64,
}

impl From<Row> for proto::User {
    fn from(row: Row) -> Self {
        Self {
            user_id: row.user_id,
            address: row.address,
            created_at_ms: row.created_at,
            used: unsigned(row.used),
            messages: unsigned(row.messages),
        }
    }
}
