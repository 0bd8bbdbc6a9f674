//! The threads that serve connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;

/// The runtimes that serve connections, each with a value shared by its connections, such as a stream to
/// another service. New connections are assigned round robin over all listeners, and stay on their shard.
/// Clones share the counter.
///
/// Round robin, and not by the lowest count: most connections are idle, and a client with many connections
/// on one shard must not influence where the next ones go.
pub struct Shards<S> {
    shards: Arc<[(Handle, Arc<S>)]>,
    dealt: Arc<AtomicUsize>,
}

impl<S> Clone for Shards<S> {
    fn clone(&self) -> Self {
        Self {
            shards: Arc::clone(&self.shards),
            dealt: Arc::clone(&self.dealt),
        }
    }
}

impl Shards<()> {
    /// Only the caller's runtime.
    pub fn here() -> Self {
        Self::new([(Handle::current(), Arc::default())])
    }
}

impl<S> Shards<S> {
    /// These runtimes with their shared values.
    ///
    /// # Panics
    /// If there is none.
    pub fn new(shards: impl IntoIterator<Item = (Handle, Arc<S>)>) -> Self {
        let shards: Arc<[_]> = shards.into_iter().collect();
        assert!(!shards.is_empty(), "connections need a runtime");
        Self {
            shards,
            dealt: Arc::default(),
        }
    }

    /// The shared values.
    pub fn shared(&self) -> impl Iterator<Item = &Arc<S>> {
        self.shards.iter().map(|(_, shared)| shared)
    }

    /// The shard of the next connection.
    pub(crate) fn next(&self) -> (Handle, Arc<S>) {
        let dealt = self.dealt.fetch_add(1, Ordering::Relaxed);
        self.shards[dealt % self.shards.len()].clone()
    }
}
