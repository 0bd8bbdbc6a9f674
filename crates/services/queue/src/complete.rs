//! Outcomes: `Complete`.
//!
//! `stream` reads batches of outcomes and checks them. `writer` records the batches that have arrived in one
//! transaction, together with the derived messages, and answers which leases were stale.

mod derived;
mod job;
mod outcome;
mod stream;
mod writer;

pub(crate) use job::Job;
pub(crate) use stream::read_stream;
pub(crate) use writer::{inbox, write};
