//! The worker between a queue, a mailbox store and a name server in memory, and scripted SMTP servers.
#![allow(clippy::unwrap_used)] // A failing test may panic.

mod clocks;
mod drain;
mod fakes;
mod gateway;
mod gateway_state;
mod lanes;
mod leases;
mod local;
mod log_lines;
mod names;
mod next_server;
mod notices;
mod remote;
mod requests;
mod scripted;
mod sink;
mod system;
mod workers;
