//! Permits to open a connection.
//!
//! A silent server occupies a socket until the timeout. Openings therefore have budgets of their own, by the
//! history of the destination. The budgets of good and of new destinations are lent for a short time only: a
//! slow opening continues in the budget of the silent ones, or is dropped and waits there for its turn. Dead
//! destinations, however many, thus wait only for each other.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// An opening is quick up to this time. Most servers that delay clients on purpose delay them less.
pub(super) const QUICK: Duration = Duration::from_secs(10);
/// How long the history of a destination is remembered.
const MEMORY: Duration = Duration::from_secs(3_600);
/// Maximum number of destinations with a history.
const KNOWN: usize = 10_000;

/// The history of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// Nothing.
    New,
    /// A recent transaction succeeded.
    Good,
    /// It was recently slow to answer.
    Silent,
}

/// Budgets of openings, and the history of destinations.
pub(super) struct Openings<K> {
    good: Arc<Semaphore>,
    new: Arc<Semaphore>,
    silent: Arc<Semaphore>,
    known: Mutex<HashMap<K, (History, Instant)>>,
}

/// The permit for a socket while a connection is opened.
pub(super) type Opening = Option<OwnedSemaphorePermit>;

impl<K: Clone + Eq + Hash> Openings<K> {
    /// Budgets for this many connections. All budgets together are less than twice that.
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

    /// Forgets that the destination was silent before that time.
    pub(super) fn forget_silence(&self, target: &K, before: Instant) {
        let mut known = self.lock();
        if let Some((History::Silent, since)) = known.get(target)
            && *since < before
        {
            known.remove(target);
        }
    }

    /// Runs an opening when it is this destination's turn. A slow one may be started twice.
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

/// `None` never happens: no budget is closed.
async fn turn(budget: &Arc<Semaphore>) -> Opening {
    Arc::clone(budget).acquire_owned().await.ok()
}
