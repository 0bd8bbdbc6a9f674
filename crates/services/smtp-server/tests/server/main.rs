//! The service with real sockets, against a queue, a policy and a directory of the tests' own.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

mod accept;
mod attachments;
mod authentication;
mod bad_input;
mod binarymime;
mod certificates;
mod chunking;
mod client;
mod dns_rules;
mod drain;
mod early;
mod envelope;
mod etrn;
mod fakes;
mod free_space;
mod large;
mod lenient;
mod limits;
mod login;
mod mechanisms;
mod old_queue;
mod outage;
mod paths;
mod played;
mod proxy;
mod rates;
mod refusals;
mod relay;
mod requests;
mod reverse_name;
mod submission;
mod system;
mod tls;
mod tokens;
mod verify;
