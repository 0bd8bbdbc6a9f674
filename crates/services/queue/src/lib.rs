//! The process `queue`. It owns every accepted message until each of its recipients has reached one end (I2).
//! It also keeps the policy, the state of collection and the rates. It serves `queue.v1`, `policy.v1`,
//! `collection.v1` and `throttle.v1`. It routes nothing, delivers nothing, and connects to Postgres only.
//!
//! ```text
//! Enqueue ──▶ enqueue (group commit) ──┬─ credits: committed as leased, handed over ─▶ lease ──▶ worker
//!                                      └─ no credits: committed as due ──▶ lease::dispatch (scan)
//! Complete ─▶ complete (group commit): ended, to be tried again, or stale; history; derived messages
//! ```
//!
//! - [`submission`]: a submission, checked against the limits of the contract.
//! - `sql`: every statement on the schema `queue`, and nothing else.
//! - `enqueue`, `lease`, `complete`, `read`, `retry`: the calls of `queue.v1`.
//! - `options`: delivery options of a message: hold, deadline, priority.
//! - `refusals`: refusals of the front ends.
//! - `gateways`: which gateways fail.
//! - `policy`, `collection`, `throttle`: the other services.
//! - `upkeep`: partitions by day, garbage, leftovers of a crash.

mod answers;
mod asking;
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

/// Largest gRPC message: room for 256 KiB of text, 128 KiB of header, a summary and 10,000 recipients.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// The schema's migrations.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
