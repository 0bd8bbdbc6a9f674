//! Where connections are served.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;

/// The runtimes that serve connections, each with something that its connections share, such as a
/// stream to another service. Newcomers are dealt out in turn, whatever listener they come to, and a
/// connection stays where it began. Clones deal from one hand.
///
/// In turn, and not to whoever has the fewest: most connections of most clients are idle, and who
/// holds many on one lane must not decide where the next ones go.
pub struct Lanes<L> {
    lanes: Arc<[(Handle, Arc<L>)]>,
    dealt: Arc<AtomicUsize>,
}

impl<L> Clone for Lanes<L> {
    fn clone(&self) -> Self {
        Self {
            lanes: Arc::clone(&self.lanes),
            dealt: Arc::clone(&self.dealt),
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
        let lanes: Arc<[_]> = lanes.into_iter().collect();
        assert!(!lanes.is_empty(), "connections need a runtime");
        Self {
            lanes,
            dealt: Arc::default(),
        }
    }

    /// What each shares.
    pub fn shared(&self) -> impl Iterator<Item = &Arc<L>> {
        self.lanes.iter().map(|(_, shared)| shared)
    }

    /// The lane of the next connection.
    pub(crate) fn next(&self) -> (Handle, Arc<L>) {
        let dealt = self.dealt.fetch_add(1, Ordering::Relaxed);
        self.lanes[dealt % self.lanes.len()].clone()
    }
}
