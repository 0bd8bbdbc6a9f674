//! The directory: who has a mailbox here, and who is who.

mod add;
mod app_passwords;
mod attempt;
mod find;
mod guessing;
mod known_peers;
mod list;
mod login;
mod password;
mod remove;
mod scram;
mod set_password;
mod tokens;
mod verified;

#[cfg(test)]
mod tests;

pub use add::add;
pub use app_passwords::{
    AppPasswordName, add_app_password, list_app_passwords, remove_app_password,
};
pub use attempt::{Accepted, Answer, Attempt, Proof, Token, Unfit};
pub use find::find;
pub use guessing::forget_old as forget_old_guesses;
pub use known_peers::forget_old as forget_old_peers;
pub use list::{Page, list};
pub use login::Logins;
pub use password::{Password, Passwords};
pub use remove::remove;
pub use scram::Hash;
pub use set_password::set_password;
pub use tokens::{OAuthConfig, Tokens};

use api::directory::v1 as proto;

use crate::values::unsigned;

/// A user as a row with the sums over their mailboxes.
#[derive(Debug)]
struct Row {
    user_id: i64,
    address: String,
    created_at: i64,
    used: i64,
    messages: i64,
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
