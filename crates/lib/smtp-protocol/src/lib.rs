//! SMTP (RFC 5321) without I/O: bytes in, events and bytes out.
//!
//! This crate knows no sockets, clocks or threads, and makes no decisions about mail. Its subject is the
//! order of commands, their syntax, and the framing of messages.

pub mod client;
mod deliver_by;
mod path;
mod reply;
pub mod server;

pub use deliver_by::{ByMode, DeliverBy};
pub use path::{Mailbox, Path, PathError};
pub use reply::{EnhancedCode, Reply};
