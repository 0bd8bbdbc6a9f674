//! The service with real sockets, against a queue, a policy and a directory of the tests' own.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

mod accept;
mod bad_input;
mod chunking;
mod client;
mod drain;
mod envelope;
mod fakes;
mod large;
mod limits;
mod login;
mod outage;
mod proxy;
mod rates;
mod refusals;
mod relay;
mod reverse_name;
mod submission;
mod system;
mod tls;
