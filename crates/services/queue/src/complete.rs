//! Outcomes: `Complete`.
//!
//! `stream` reads batches of outcomes and checks them; `writer` records what has arrived in one
//! transaction, together with the messages that it makes, and answers which leases were stale.

mod derived;
mod job;
mod outcome;
mod stream;
mod writer;

pub(crate) use job::Job;
pub(crate) use stream::read_stream;
pub(crate) use writer::{inbox, write};
