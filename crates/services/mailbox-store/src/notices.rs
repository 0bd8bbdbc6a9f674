//! Change notices: committed changes are reported to the watchers of this process at once, and to other
//! replicas by Postgres' NOTIFY, one notice per transaction.
//!
//! A notice only says that something has changed; its receiver asks for the changes. So several notices may
//! be merged, and a lost one is replaced by a report of the present state.

mod hub;
mod listen;
mod payload;

#[cfg(test)]
mod tests;

pub use hub::{Hub, UserNotice, Watcher};
pub use listen::{GONE, listen, present};
pub use payload::{CHANNEL, Notice, Origin};
