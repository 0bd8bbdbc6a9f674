//! Taking messages: `Enqueue` and `StoreText`.
//!
//! `stream` reads submissions and checks them; `writer` commits what has arrived as one
//! transaction (group commit). A `batch` is what is committed together: it is inserted already leased as far as
//! workers have credits, and only after the commit are its submitters answered (I1) and its recipients handed over.
//! Batches also serve the messages that `complete` makes of others, and commits with the ends at which they are made.

mod batch;
mod entry;
mod insert;
mod store_text;
mod stream;
mod writer;

pub(crate) use batch::Batch;
pub(crate) use entry::{Entry, Made};
pub(crate) use store_text::store_text;
pub(crate) use stream::{Intake, read_stream};
pub(crate) use writer::{inbox, write};
