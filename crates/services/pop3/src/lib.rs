//! The POP3 front end (RFC 1939): the INBOX of one user a session, held exclusively.
//!
//! It keeps no state: what it shows is mailbox-store's, and what it deletes is deleted there at
//! QUIT. It may not read the message of another user than the one who logged in, and no answer of
//! it carries a cause from inside.
//!
//! ```text
//! listen ──▶ connection ──▶ pop3_protocol::server::Session   (what was said)
//!               ├─ login     directory.Login, WatchMechanisms, mailbox.LockMaildrop, mailbox.Fetch
//!               ├─ retrieve  mailbox.ReadMessage, dots put in on the way
//!               └─ commit    mailbox.StoreFlags \Deleted, mailbox.Expunge
//! ```

mod config;
mod connection;
mod listen;
mod store;

pub use config::Config;
pub use front_end::{ListenerConfig, Running, TlsMode};
pub use listen::start;

/// Serves until the process is told to shut down, then drains.
pub async fn run(config: Config, service: service_kit::Service) -> anyhow::Result<()> {
    Ok(start(&config, &service)?.wait().await?)
}
