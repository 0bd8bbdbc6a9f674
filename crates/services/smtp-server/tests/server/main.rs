//! The service with real sockets, and with a queue, a policy and a directory in the test.
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
mod outage;
mod paths;
mod played;
mod proxy;
mod rates;
mod refusals;
mod relay;
mod replicas;
mod requests;
mod reverse_name;
mod submission;
mod system;
mod tls;
mod tokens;
mod verify;
