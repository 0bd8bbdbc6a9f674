//! What a case needs to know of a system under test.

use anyhow::{Result, bail};

/// A mail system that runs on loopback. Its users are `user0@bench.test` to `user99@bench.test`
/// with the password `pw`; mail for `discard.test` is thrown away, mail for `relay.test` goes to
/// the sink.
pub(crate) trait System: Sync {
    /// As the report calls it.
    fn name(&self) -> &'static str;
    /// Port of its SMTP server.
    fn smtp_port(&self) -> u16;
    /// Port of its SMTP server for strangers, with every rule and check on; the same one where there
    /// is none.
    fn strangers_port(&self) -> u16 {
        self.smtp_port()
    }
    /// All its SMTP ports that greet in plain text.
    fn smtp_ports(&self) -> Vec<u16> {
        vec![self.smtp_port()]
    }
    /// Connections that it is set up to hold at a time.
    fn max_connections(&self) -> usize;
    /// Port of its IMAP server, without TLS.
    fn imap_port(&self) -> u16;
    /// Process ids whose trees make up the system.
    fn roots(&self) -> Vec<u32>;
    /// Messages in its queue.
    fn queued(&self) -> Result<usize>;
    /// Messages in a user's INBOX, found without burdening the system where that is possible.
    fn delivered(&self, user: usize) -> Result<usize>;
    /// Octets of its database; `None` for a system without one.
    fn database_size(&self) -> Result<Option<u64>>;
    /// Whether it can be told that its volume is full.
    fn fills_up(&self) -> bool {
        false
    }
    /// Has it take its volume for full, or for one with room again.
    fn set_full(&self, _full: bool) -> Result<()> {
        bail!("{} cannot be told that its volume is full", self.name())
    }
}

/// A system that is set up and can be started. Only what is measured runs: one that rests beside
/// another still writes what it was sent before.
pub(crate) trait Installation {
    /// Starts it; dropping what comes back stops it.
    fn start(&self) -> Result<Box<dyn System>>;

    /// What stops it when the bench is interrupted.
    fn interrupted(&self) -> Box<dyn Fn() + Send>;
}

/// Users that have a mailbox.
pub(crate) const USERS: usize = 100;

/// The address of a user.
pub(crate) fn user(number: usize) -> String {
    format!("user{number}@bench.test")
}
