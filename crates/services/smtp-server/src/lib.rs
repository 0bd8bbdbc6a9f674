//! The SMTP front end: takes connections and submissions, decides by trust and domain rules, hands
//! accepted messages to the queue.
//!
//! It keeps no state of its own and no message: 250 is said when the queue has committed (I1), and
//! without a policy, a queue or a directory nothing is accepted (I8). It may not decide anything
//! that `rules` decides, and no reply of it carries a cause from inside.
//!
//! ```text
//! listen ──▶ connection ──▶ smtp_protocol::server::Session   (what was said)
//!               ├─ origin       who is there: host-network, PROXY, XCLIENT, the name in the DNS
//!               ├─ login        directory.Login, WatchMechanisms
//!               ├─ envelope     rules
//!               ├─ admission    what rules asks: users (directory.FindUsers, WatchUsers), free space,
//!               │               throttle (throttle.Count, Greylist), DNS lists and domains
//!               ├─ refusal      what was refused, to the queue in the background
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

/// Serves until the process is told to shut down, then drains.
pub async fn run(config: Config, service: service_kit::Service) -> anyhow::Result<()> {
    Ok(start(&config, &service)?.wait().await?)
}
