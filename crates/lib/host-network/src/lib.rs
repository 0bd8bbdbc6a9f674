//! The current network of this host: its interfaces with their addresses, and its default gateways. Read
//! from the kernel over netlink (RFC 3549), and read again when the kernel reports a change.
//!
//! This crate only reads; `rules` interprets ([`rules::interface_of`]). smtp-server and `postern network`
//! both use it, so that the command shows what the server does.

mod dump;
mod message;
mod route;
mod snapshot;
mod watch;

pub use route::local_address_towards;
pub use snapshot::{Gateway, Snapshot};
pub use watch::HostNetwork;
