//! The process `queue` over gRPC, on a real Postgres. Tests that defend an invariant carry its number.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(missing_docs, reason = "no interface")]

mod actors;
mod bodies;
mod clocks;
mod collection;
mod crash;
mod derived;
mod derived_model;
mod ends;
mod following;
mod gateways;
mod harness;
mod leases;
mod limits;
mod listing;
mod lost_answer;
mod outage;
mod policy;
mod quarantine;
mod refusals;
mod requests;
mod retry;
mod rights;
mod started_by_root;
mod taking;
mod throttle;
