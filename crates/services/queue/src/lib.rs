//! The process `queue`: owns every accepted message until each of its recipients has reached one
//! end (I2), and keeps the policy, the memory of collecting and that of rates. It serves `queue.v1`, `policy.v1`,
//! `collection.v1` and `throttle.v1`; it routes nothing, delivers nothing and opens no connection but to
//! Postgres.
//!
//! ```text
//!  Enqueue ──▶ enqueue (group commit) ──┬─ credits: committed as leased, handed over ─▶ lease ──▶ worker
//!                                       └─ no credits: committed as due ──▶ lease::dispatch (scan)
//!  Complete ─▶ complete (group commit): ended, to be tried again, or stale; history; derived messages
//! ```
//!
//! - [`submission`]: what is taken in, checked against the contract's limits.
//! - `sql`: every statement on the schema `queue`, and nothing else.
//! - `enqueue`, `lease`, `complete`, `read`, `retry`: the calls of `queue.v1`.
//! - `options`: what senders ask of when and how soon a message goes on.
//! - `refusals`: what the front ends refused, for as long as it is kept.
//! - `gateways`: which of them fail.
//! - `policy`, `collection`, `throttle`: the other services.
//! - `upkeep`: partitions by day, garbage, what a crash left.

mod answers;
mod clock;
mod collection;
mod complete;
mod config;
mod due;
mod engine;
mod enqueue;
mod error;
mod flags;
mod gateways;
mod gauges;
mod group_commit;
mod lease;
mod notification;
mod options;
mod policy;
mod quarantine;
mod quoted;
mod read;
mod refusals;
mod retry;
mod return_path;
mod run;
mod search;
mod secret_key;
mod service;
mod source;
mod sql;
mod storage;
mod submission;
mod throttle;
mod trail;
mod upkeep;

pub use clock::Clock;
pub use config::Config;
pub use run::{run, run_with_clock};

/// Largest gRPC message taken: 256 KiB of text, 128 KiB of header, a summary and 10,000 recipients
/// fit well.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// The schema's migrations.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
