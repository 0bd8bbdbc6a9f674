//! The POP3 front end (RFC 1939): one user's INBOX per session, held exclusively.
//!
//! It stores nothing: mailbox-store has the messages, and deletes them at QUIT. A session reads messages of
//! its own user only. No reply contains an internal cause.
//!
//! ```text
//! listen ──▶ connection ──▶ pop3_protocol::server::Session   (what was said)
//!               ├─ login     directory.Login, WatchMechanisms, mailbox.LockMaildrop, mailbox.Fetch
//!               ├─ retrieve  mailbox.ReadMessage, dot-stuffed
//!               └─ commit    mailbox.StoreFlags \Deleted, mailbox.Expunge
//! ```

mod config;
mod connection;
mod listen;
mod store;

pub use config::Config;
pub use front_end::{ListenerConfig, Running, TlsMode};
pub use listen::start;

/// Serves until shutdown, then drains.
pub async fn run(config: Config, service: service_kit::Service) -> anyhow::Result<()> {
    Ok(start(&config, &service)?.wait().await?)
}
