//! The SMTP front end: accepts connections and submissions, decides by trust and domain rules, and passes
//! accepted messages to the queue.
//!
//! It stores no state and no message. 250 is sent after the queue's commit (I1). Without a policy, a queue or
//! a directory nothing is accepted (I8). `rules` makes all decisions. No reply contains an internal cause.
//!
//! ```text
//! listen ──▶ connection ──▶ smtp_protocol::server::Session   (what was said)
//!               ├─ origin       the peer: host-network, PROXY, XCLIENT, its name in the DNS
//!               ├─ login        directory.Login, WatchMechanisms
//!               ├─ envelope     rules
//!               ├─ admission    questions of rules: users (directory.FindUsers, WatchUsers), free space,
//!               │               throttle (throttle.Count, Greylist), DNS lists and domains
//!               ├─ refusal      refusals, to the queue in the background
//!               ├─ authentication   mail-authentication (SPF, DKIM, DMARC, ARC), rules
//!               ├─ queue_run    queue.RetryNow (ETRN)
//!               └─ content      intake (scanner, inline text or upload) ──▶ queue.Enqueue
//! ```

mod config;
mod connection;
mod listen;
mod metrics;
mod queue_runs;
mod replies;
mod server;
mod session_id;
mod shard;
mod throttle;
mod trace_header;
mod users;

pub use config::{Config, ListenerConfig};
pub use front_end::{Running, TlsMode};
pub use listen::start;

/// Serves until shutdown, then drains.
pub async fn run(config: Config, service: service_kit::Service) -> anyhow::Result<()> {
    Ok(start(&config, &service)?.wait().await?)
}
