//! Who may open a connection now.
//!
//! A server that says nothing takes a socket for as long as we have patience. Openings therefore
//! have budgets of their own, by what is known of the destination, and those of good and of unknown
//! destinations are only lent for a short time: an opening that takes longer goes on in the
//! budget of the silent ones, or gives way and waits there for its turn. So dead destinations, however
//! many, wait for each other.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// An opening is quick until then. Servers that make clients wait on purpose mostly do so for less.
pub(super) const QUICK: Duration = Duration::from_secs(10);
/// What is known of a destination is forgotten after so long.
const MEMORY: Duration = Duration::from_secs(3_600);
/// Destinations of which something is known.
const KNOWN: usize = 10_000;

/// What is known of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// Nothing.
    New,
    /// It has lately had a transaction with us.
    Good,
    /// It has lately kept us waiting.
    Silent,
}

/// See the module.
pub(super) struct Openings<K> {
    good: Arc<Semaphore>,
    new: Arc<Semaphore>,
    silent: Arc<Semaphore>,
    known: Mutex<HashMap<K, (History, Instant)>>,
}

/// The right to a socket while a connection is opened.
pub(super) type Opening = Option<OwnedSemaphorePermit>;

impl<K: Clone + Eq + Hash> Openings<K> {
    /// For so many connections. All budgets together are less than twice that.
    pub(super) fn new(connections: usize) -> Self {
        let budget = |part: usize| Arc::new(Semaphore::new((connections / part).max(1)));
        Self {
            good: budget(4),
            new: budget(1),
            silent: budget(2),
            known: Mutex::default(),
        }
    }

    pub(super) fn history(&self, target: &K) -> History {
        match self.lock().get(target) {
            Some((history, since)) if since.elapsed() < MEMORY => *history,
            _ => History::New,
        }
    }

    pub(super) fn note(&self, target: &K, history: History) {
        let mut known = self.lock();
        if known.len() >= KNOWN && !known.contains_key(target) {
            known.retain(|_, (_, since)| since.elapsed() < MEMORY);
            if known.len() >= KNOWN {
                return;
            }
        }
        known.insert(target.clone(), (history, Instant::now()));
    }

    /// That it kept us waiting before then is no longer held against it.
    pub(super) fn forget_silence(&self, target: &K, before: Instant) {
        let mut known = self.lock();
        if let Some((History::Silent, since)) = known.get(target)
            && *since < before
        {
            known.remove(target);
        }
    }

    /// Opens when it is this destination's turn. One that is slow may be begun twice.
    pub(super) async fn open<T, F: Future<Output = T>>(
        &self,
        target: &K,
        attempt: impl Fn() -> F,
    ) -> (T, Opening) {
        let budget = match self.history(target) {
            History::Good => Some(&self.good),
            History::New => Some(&self.new),
            History::Silent => None,
        };
        if let Some(budget) = budget {
            let permit = turn(budget).await;
            let mut opening = pin!(attempt());
            if let Ok(opened) = timeout(QUICK, &mut opening).await {
                return (opened, permit);
            }
            self.note(target, History::Silent);
            if let Ok(slow) = Arc::clone(&self.silent).try_acquire_owned() {
                drop(permit);
                return (opening.await, Some(slow));
            }
        }
        let permit = turn(&self.silent).await;
        let began = Instant::now();
        let opened = attempt().await;
        if began.elapsed() >= QUICK {
            self.note(target, History::Silent);
        }
        (opened, permit)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (History, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None` never happens: nobody closes a budget.
async fn turn(budget: &Arc<Semaphore>) -> Opening {
    Arc::clone(budget).acquire_owned().await.ok()
}
