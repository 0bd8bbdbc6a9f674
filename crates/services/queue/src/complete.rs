//! Outcomes: `Complete`.
//!
//! `stream` reads batches of outcomes and checks them; `writer` records what has arrived in one
//! transaction, together with the notices that speak of it, and answers which leases were stale.

mod outcome;
mod stream;
mod writer;

pub(crate) use stream::read_stream;
pub(crate) use writer::{Job, inbox, write};
