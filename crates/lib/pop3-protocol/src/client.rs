//! The client's side: reading what a POP3 server answers.

mod listing;
mod reply;

pub use listing::{ListedSize, ListedUidl, Listing};
pub use reply::{LONGEST_LINE, Reply, ReplyError};
