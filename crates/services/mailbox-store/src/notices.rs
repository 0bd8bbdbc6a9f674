//! Change notices: what was committed is told to the watchers of this process at once, and to
//! other replicas by Postgres' NOTIFY, one notice a transaction.
//!
//! Notices only say that something is newer; whoever hears one asks for the changes. So several
//! may be told as one, and a lost one is made good by telling the present state again.

mod hub;
mod listen;
mod payload;

#[cfg(test)]
mod tests;

pub use hub::{Hub, UserNotice, Watcher};
pub use listen::{GONE, listen, present};
pub use payload::{CHANNEL, Notice, Origin};
