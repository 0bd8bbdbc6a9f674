//! The commands, one in each file: each parses its arguments to a value, and checks whether the session's
//! state allows it. The session executes it.

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

use sasl::Initiation;

use super::terms::Hello;
use crate::{Mailbox, Reply};
use bdat::Bdat;
use etrn::Node;
use mail::Mail;
use rcpt::Rcpt;
use xclient::Xclient;

/// A parsed command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Hello(Hello),
    Mail(Mail),
    Rcpt(Rcpt),
    Data,
    /// `None`: the number of following octets is unknown.
    Bdat(Option<Bdat>),
    Rset,
    Noop,
    Quit,
    StartTls,
    Auth(Initiation),
    Xclient(Xclient),
    /// `None`: the argument is no address.
    Vrfy(Option<Mailbox>),
    Etrn(Node),
    Help,
}

/// For commands that take no arguments.
fn nothing(arguments: &str) -> Result<(), Reply> {
    if arguments.is_empty() {
        Ok(())
    } else {
        Err(Reply::new(501, 5, 4, "No arguments expected"))
    }
}
