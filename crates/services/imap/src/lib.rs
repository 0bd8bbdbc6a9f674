//! The IMAP front end: sessions of mail clients on the mailboxes of mailbox-store.
//!
//! It stores nothing but the state of its sessions, so any number of these processes may run side by side. It
//! never parses a message that it serves: ENVELOPE, BODYSTRUCTURE and the positions of the parts are stored
//! values (I13). No response contains an internal cause.
//!
//! ```text
//! listen ──▶ session ──▶ imap_protocol::Reader            (what was said)
//!               ├─ login                directory.Login, WatchMechanisms
//!               ├─ one file per command mailbox.*
//!               └─ view, sync           mailbox.GetChanges, after a notice of `watch` or for NOOP
//! users: number of connections of each user
//! watch: one mailbox.Watch stream for all sessions of the process
//! ```

mod answer;
mod capability;
mod config;
mod listen;
mod server;
mod session;
mod users;
mod view;
mod watch;

pub use config::Config;
pub use front_end::{ListenerConfig, Running, TlsMode};
pub use listen::start;

/// Serves until shutdown, then drains.
pub async fn run(config: Config, service: service_kit::Service) -> anyhow::Result<()> {
    Ok(start(&config, &service)?.wait().await?)
}
