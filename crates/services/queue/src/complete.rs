//! Outcomes: `Complete`.
//!
//! `stream` reads batches of outcomes and checks them; `writer` records what has arrived in one
//! transaction, together with the messages that it makes, and answers which leases were stale.

mod derived;
mod outcome;
mod stream;
mod writer;

pub(crate) use stream::read_stream;
pub(crate) use writer::{Job, inbox, write};
