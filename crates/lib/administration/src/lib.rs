//! Administration of a running system: queries and changes by an administrator.
//!
//! An operation is a function of an [`Administration`] (the system and the actor) and an input. Its output
//! is a serialisable value; `--json` of the command line prints it. An [`Error`] is a sentence that says
//! what happened, to what, and what to do.
//!
//! This crate does not print, does not read a terminal and knows no command line. It makes no decision that
//! belongs to a service.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is to be seen is an output, and printing is for whoever asks"
)]

mod actor;
mod consequences;
pub mod domains;
mod error;
pub mod explain;
#[cfg(test)]
mod golden;
mod listing;
pub mod network;
pub mod policy;
pub mod quarantine;
pub mod queue;
pub mod refusals;
mod removal;
pub mod secrets;
pub mod send;
pub mod status;
mod system;
mod times;
pub mod users;

pub use actor::{Actor, Administration};
pub use error::Error;
pub use listing::Listing;
pub use removal::Removal;
pub use status::{Status, status};
pub(crate) use system::Deadline;
pub use system::System;
pub use times::{Times, time};
