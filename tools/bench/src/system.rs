//! The interface of a system under test.

use anyhow::{Result, bail};

/// A mail system on loopback. Its users are `user0@bench.test` to `user99@bench.test` with the password
/// `pw`; mail for `discard.test` is discarded, mail for `relay.test` goes to the sink.
pub(crate) trait System: Sync {
    /// Its name in the report.
    fn name(&self) -> &'static str;
    /// Port of its SMTP server.
    fn smtp_port(&self) -> u16;
    /// Port of its SMTP server for untrusted clients, with every rule and check on; if there is none, the
    /// normal one.
    fn strangers_port(&self) -> u16 {
        self.smtp_port()
    }
    /// All its SMTP ports without implicit TLS.
    fn smtp_ports(&self) -> Vec<u16> {
        vec![self.smtp_port()]
    }
    /// Its configured number of simultaneous connections.
    fn max_connections(&self) -> usize;
    /// Port of its IMAP server, without TLS.
    fn imap_port(&self) -> u16;
    /// The roots of its process trees.
    fn roots(&self) -> Vec<u32>;
    /// Messages in its queue.
    fn queued(&self) -> Result<usize>;
    /// Messages in a user's INBOX, counted without load on the system if possible.
    fn delivered(&self, user: usize) -> Result<usize>;
    /// Octets of its database; `None` for a system without one.
    fn database_size(&self) -> Result<Option<u64>>;
    /// Whether a full volume can be simulated.
    fn fills_up(&self) -> bool {
        false
    }
    /// Simulates a full volume, or ends the simulation.
    fn set_full(&self, _full: bool) -> Result<()> {
        bail!("{} cannot be told that its volume is full", self.name())
    }
}

/// A system that is set up. Only the measured system runs: a resting one would still write earlier data.
pub(crate) trait Installation {
    /// Starts it; dropping the result stops it.
    fn start(&self) -> Result<Box<dyn System>>;

    /// Stops it when the bench is interrupted.
    fn interrupted(&self) -> Box<dyn Fn() + Send>;
}

/// Number of users with a mailbox.
pub(crate) const USERS: usize = 100;

/// The address of a user.
pub(crate) fn user(number: usize) -> String {
    format!("user{number}@bench.test")
}
