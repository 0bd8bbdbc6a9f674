//! The threads that serve connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;

/// The runtimes that serve connections, each with something that its connections share, such as a
/// stream to another service. Newcomers are dealt out in turn, whatever listener they come to, and a
/// connection stays where it began. Clones deal from one hand.
///
/// In turn, and not to whoever has the fewest: most connections of most clients are idle, and who
/// holds many on one shard must not decide where the next ones go.
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
    /// The caller's runtime alone.
    pub fn here() -> Self {
        Self::new([(Handle::current(), Arc::default())])
    }
}

impl<S> Shards<S> {
    /// These, with what is shared on each.
    ///
    /// # Panics
    /// When there is none.
    pub fn new(shards: impl IntoIterator<Item = (Handle, Arc<S>)>) -> Self {
        let shards: Arc<[_]> = shards.into_iter().collect();
        assert!(!shards.is_empty(), "connections need a runtime");
        Self {
            shards,
            dealt: Arc::default(),
        }
    }

    /// What each shares.
    pub fn shared(&self) -> impl Iterator<Item = &Arc<S>> {
        self.shards.iter().map(|(_, shared)| shared)
    }

    /// The shard of the next connection.
    pub(crate) fn next(&self) -> (Handle, Arc<S>) {
        let dealt = self.dealt.fetch_add(1, Ordering::Relaxed);
        self.shards[dealt % self.shards.len()].clone()
    }
}
