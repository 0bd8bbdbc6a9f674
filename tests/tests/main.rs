//! The whole system as a user meets it: real programs, real clients, a real Postgres.
//!
//! Most cases share one running system and use domains and users of their own; cases that kill processes,
//! count octets or stop the system run their own.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

mod harness;

mod attachments;
mod authentication;
mod bad_input;
mod binarymime;
mod collect;
mod command_line;
mod configuration;
mod empty_root;
mod following;
mod front_door;
mod full_disk;
mod gateways;
mod invariants;
mod kill;
mod large;
mod logins;
mod memory;
mod moving;
mod network;
mod peers;
mod policy_questions;
mod privileges;
mod proxy;
mod quarantine;
mod queue_runs;
mod readiness;
mod real_clients;
mod recipients;
mod relay;
mod requests;
mod round_trip;
mod sendmail;
