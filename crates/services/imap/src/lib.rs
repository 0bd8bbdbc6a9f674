//! The IMAP front end: sessions of mail clients over the mailboxes of mailbox-store.
//!
//! It keeps no state but that of its sessions, so any number of these processes may run side by
//! side. It never parses a message that it serves: ENVELOPE, BODYSTRUCTURE and the places of the
//! parts are stored values (I13). No answer of it carries a cause from inside.
//!
//! ```text
//! listen ──▶ session ──▶ imap_protocol::Reader            (what was said)
//!               ├─ login                directory.Login, WatchMechanisms
//!               ├─ a command, a file    mailbox.*
//!               └─ view, sync           mailbox.GetChanges, when `watch` or a NOOP says so
//! users: how many connections each has
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

/// Serves until the process is told to shut down, then drains.
pub async fn run(config: Config, service: service_kit::Service) -> anyhow::Result<()> {
    Ok(start(&config, &service)?.wait().await?)
}
