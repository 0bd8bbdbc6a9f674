//! Administration of a running system: what an administrator asks of it and changes in it.
//!
//! An operation is a function of an [`Administration`] (the system, and who acts) and an input. Its
//! output is a value that serialises; `--json` of the command line is that value. An [`Error`] is a
//! sentence that says what happened, to what, and what to do.
//!
//! Nothing here prints, reads a terminal or knows a command line, and nothing is decided that a
//! service decides.

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

pub use actor::{Actor, ActorKind, Administration};
pub use error::Error;
pub use listing::Listing;
pub use removal::Removal;
pub use status::{Status, status};
pub(crate) use system::Deadline;
pub use system::System;
pub use times::{Times, time};
