//! What this host's network looks like now: its interfaces with their addresses, and its default
//! gateways. Asked of the kernel over netlink (RFC 3549), and asked again when the kernel says
//! that something has changed.
//!
//! This crate looks; what it means is decided by `rules` ([`rules::interface_of`]). It is used by
//! smtp-server and by `postern network`, so that what the one shows is what the other does.

mod dump;
mod message;
mod snapshot;
mod watch;

pub use snapshot::{Gateway, Snapshot};
pub use watch::HostNetwork;
