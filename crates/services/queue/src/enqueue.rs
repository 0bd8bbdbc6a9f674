//! Taking messages: `Enqueue` and `StoreText`.
//!
//! `stream` reads submissions and checks them; `writer` commits what has arrived as one
//! transaction (group commit), already leased as far as workers have credits, and only then
//! answers (I1) and hands over. `insert` and `entry` also serve the messages that `complete`
//! makes of others, and commits with the ends at which they are made.

mod entry;
mod insert;
mod store_text;
mod stream;
mod writer;

pub(crate) use entry::{Entry, Made, announce};
pub(crate) use insert::insert;
pub(crate) use store_text::store_text;
pub(crate) use stream::{Intake, read_stream};
pub(crate) use writer::{inbox, write};
