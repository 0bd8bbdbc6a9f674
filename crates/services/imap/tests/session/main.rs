//! Sessions with a mailbox store in memory: transcripts in `tests/transcripts`, and tests that a transcript
//! cannot express.
#![allow(clippy::unwrap_used)] // A failure here is the test's failure.

mod abandoned;
mod client;
mod concurrent;
mod crowd;
mod fake;
mod large;
mod mechanisms;
mod proxy;
mod refusals;
mod running;
mod timeouts;
mod tls;
mod transcripts;
mod user_limit;
