//! Where connections are served.

use std::sync::Arc;

use tokio::runtime::Handle;

/// The runtimes that serve a listener's connections, each with something that its connections
/// share, such as a stream to another service. A connection stays where it began.
pub struct Lanes<L> {
    lanes: Vec<Lane<L>>,
}

/// One of them. A clone is held by each connection that it serves.
pub(crate) struct Lane<L> {
    pub(crate) runtime: Handle,
    pub(crate) shared: Arc<L>,
    /// As many as it serves, and one.
    served: Arc<()>,
}

impl<L> Clone for Lane<L> {
    fn clone(&self) -> Self {
        Self {
            runtime: self.runtime.clone(),
            shared: Arc::clone(&self.shared),
            served: Arc::clone(&self.served),
        }
    }
}

impl Lanes<()> {
    /// The caller's runtime alone.
    pub fn here() -> Self {
        Self::new([(Handle::current(), Arc::default())])
    }
}

impl<L> Lanes<L> {
    /// These, with what is shared on each.
    ///
    /// # Panics
    /// When there is none.
    pub fn new(lanes: impl IntoIterator<Item = (Handle, Arc<L>)>) -> Self {
        let lanes: Vec<_> = lanes
            .into_iter()
            .map(|(runtime, shared)| Lane {
                runtime,
                shared,
                served: Arc::default(),
            })
            .collect();
        assert!(!lanes.is_empty(), "connections need a runtime");
        Self { lanes }
    }

    /// The one that serves the fewest connections.
    pub(crate) fn quietest(&self) -> Lane<L> {
        let served = |lane: &&Lane<L>| Arc::strong_count(&lane.served);
        self.lanes
            .iter()
            .min_by_key(served)
            .unwrap_or(&self.lanes[0])
            .clone()
    }
}
