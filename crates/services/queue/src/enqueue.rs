//! Accepting messages: `Enqueue` and `StoreText`.
//!
//! `stream` reads and checks submissions. `writer` commits the submissions that have arrived as one
//! transaction (group commit). A `batch` is what is committed together. It is inserted already leased as far
//! as workers have credits. Only after the commit are its submitters answered (I1) and its recipients handed
//! over. `complete` also uses batches: for derived messages, which it commits together with the ends that
//! they come from.

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
