//! The directory: users and their logins.

mod add;
mod app_passwords;
mod by;
mod find;
mod guessing;
mod hashing;
mod known_peers;
mod list;
mod login;
mod password;
mod remove;
mod row;
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
pub use by::By;
pub use find::find;
pub use guessing::forget_old as forget_old_guesses;
pub use hashing::Passwords;
pub use known_peers::forget_old as forget_old_peers;
pub use list::{Page, list};
pub use login::Logins;
pub use login::exchange::{Connection, Exchange, Step};
pub use password::Password;
pub use remove::remove;
pub use set_password::set_password;
pub use tokens::{OAuthConfig, Tokens};
