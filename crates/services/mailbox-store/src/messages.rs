//! The contents of mailboxes: reading, appending, changing.

mod append;
mod changes;
mod copy_move;
mod expunge;
mod fetch;
mod known_keywords;
mod read;
mod select;
mod store_flags;

#[cfg(test)]
mod tests;

pub use append::{Append, append};
pub use changes::{changes, deleted};
pub use copy_move::{copy, move_all_to_new, move_messages};
pub use expunge::expunge;
pub use fetch::{FetchItems, fetch};
pub use read::read;
pub use select::{Selected, select};
pub use store_flags::{Change, Mode, store_flags};

use api::mailbox::v1::{Flags, MessageState};

use crate::values::{narrow, unsigned};

/// A message's flags from its row.
fn flags(system: i32, keywords: Vec<String>) -> Flags {
    Flags {
        system: u32::try_from(system).unwrap_or(0),
        keywords,
    }
}

fn state(uid: i64, modseq: i64, system: i32, keywords: Vec<String>) -> MessageState {
    MessageState {
        uid: narrow(uid),
        modseq: unsigned(modseq),
        flags: Some(flags(system, keywords)),
    }
}
