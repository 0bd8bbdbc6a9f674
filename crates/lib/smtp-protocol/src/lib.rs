//! SMTP (RFC 5321) without input or output: bytes go in, events and bytes come out.
//!
//! This crate knows no sockets, clocks or threads, and decides nothing about mail: what may be
//! said when, how it is written, and where a message ends is its whole subject.

pub mod client;
mod deliver_by;
mod path;
mod reply;
pub mod server;

pub use deliver_by::{ByMode, DeliverBy};
pub use path::{Mailbox, Path, PathError};
pub use reply::{EnhancedCode, Reply};
