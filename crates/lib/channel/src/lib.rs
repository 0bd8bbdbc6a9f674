//! A gRPC channel to a service that may have several replicas.
//!
//! The channel has a connection to each replica, and assigns each call to the one with the fewest calls in
//! progress. A lost connection is not used any more; its replica is tried again after growing pauses. A
//! connection is replaced at a certain age, so that a new replica behind a shared address comes into use.
//! The list of replicas is looked up again every few seconds.
//!
//! The channel does not know how addresses are resolved or connected: [`Dial`] does.

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
    /// The runtime of the connections: that of the channel's creator.
    runtime: Handle,
    connections: Mutex<Connections>,
    /// See [`Channel::changes`].
    changes: watch::Sender<u64>,
    /// The attempt in progress while there is no connection.
    attempt: tokio::sync::Mutex<Option<Attempt>>,
}

impl Channel {
    /// A channel that connects at its first use. Needs a Tokio runtime.
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

    /// A channel without a target.
    #[must_use]
    pub fn to_nowhere() -> Self {
        Self::new(dial::Nowhere)
    }

    /// Waits until there is a connection.
    pub async fn connected(&self) -> Result<(), Status> {
        Ok(self.shared.connected().await?)
    }

    /// The current connections. Open a long-lived stream on each, so that all replicas share the load, and
    /// move a stream when its connection [is no longer current](Connection::is_current).
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.shared.connections().current()
    }

    /// Counts added connections, and those whose replica has disappeared from the list. A lost one is not
    /// counted: its streams end.
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

    /// Adds a connection, replacing one to the same target.
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
