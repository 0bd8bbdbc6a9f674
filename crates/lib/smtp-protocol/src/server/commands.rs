//! The commands, one a file: each reads its arguments and says what comes of them.

pub(super) mod auth;
pub(super) mod bdat;
pub(super) mod data;
pub(super) mod etrn;
pub(super) mod expn;
pub(super) mod hello;
pub(super) mod help;
pub(super) mod mail;
pub(super) mod noop;
pub(super) mod quit;
pub(super) mod rcpt;
pub(super) mod rset;
pub(super) mod starttls;
pub(super) mod vrfy;
pub(super) mod xclient;

use crate::Reply;

/// For commands that take no arguments.
fn nothing(arguments: &str) -> Result<(), Reply> {
    if arguments.is_empty() {
        Ok(())
    } else {
        Err(Reply::new(501, 5, 4, "No arguments expected"))
    }
}
