//! The client's side: parses the responses of a POP3 server.

mod listing;
mod reply;

pub use listing::{ListedSize, ListedUidl, Listing};
pub use reply::{LONGEST_LINE, Reply, ReplyError};
