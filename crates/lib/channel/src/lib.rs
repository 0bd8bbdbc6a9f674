//! A gRPC channel to a service that may have several replicas.
//!
//! It has a connection to each replica, and gives each call to the one with the fewest under way. A
//! connection that is lost is used no more from that moment on; its replica is tried again after a
//! growing pause. A connection that has reached its age is replaced, so that behind an address which
//! stands for several replicas a new one comes to be used. Which replicas there are is asked again every
//! few seconds.
//!
//! It knows neither how addresses are found nor how they are reached: that is [`Dial`]'s.

mod backoff;
mod body;
mod call;
mod connect;
mod connection;
mod dial;
mod upkeep;
mod watched;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tonic::{Status, transport};

pub use backoff::Backoff;
pub use connection::Connection;
pub use dial::{Dial, Io, Target};

use connect::Attempt;
use connection::Connections;

/// A channel to all replicas of a service. Clones share its connections, which end with the last of them.
#[derive(Clone)]
pub struct Channel {
    shared: Arc<Shared>,
}

struct Shared {
    dial: Arc<dyn Dial>,
    /// Where connections live: that of whoever made the channel.
    runtime: Handle,
    connections: Mutex<Connections>,
    /// See [`Channel::changes`].
    changes: watch::Sender<u64>,
    /// The attempt to connect that is under way while there is no connection.
    attempt: tokio::sync::Mutex<Option<Attempt>>,
}

impl Channel {
    /// A channel that connects when it is first used. Needs a Tokio runtime.
    #[must_use]
    pub fn new(dial: impl Dial) -> Self {
        let shared = Arc::new(Shared {
            dial: Arc::new(dial),
            runtime: Handle::current(),
            connections: Mutex::default(),
            changes: watch::Sender::new(0),
            attempt: tokio::sync::Mutex::new(None),
        });
        if shared.dial.may_change() {
            tokio::spawn(upkeep::keep(
                Arc::downgrade(&shared),
                shared.changes.subscribe(),
            ));
        }
        Self { shared }
    }

    /// One that leads nowhere.
    #[must_use]
    pub fn to_nowhere() -> Self {
        Self::new(dial::Nowhere)
    }

    /// Waits until there is a connection.
    pub async fn connected(&self) -> Result<(), Status> {
        Ok(self.shared.connected().await?)
    }

    /// The connections that there are now. A long-lived stream is best opened on each, so that all
    /// replicas share the load; it should move when its connection [is no longer
    /// current](Connection::is_current).
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.shared.connections().current()
    }

    /// Counts the connections that are added, and those whose replica is no longer named. One that is lost
    /// is not counted: its streams end.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Adds a connection, in place of the one to the same target.
    fn add(
        &self,
        target: Target,
        channel: transport::Channel,
        lost: tokio_util::sync::CancellationToken,
    ) {
        let age = self.dial.longest_age();
        self.connections().add(target, channel, lost, age);
        self.changed();
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
