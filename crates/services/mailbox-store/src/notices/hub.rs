//! The watchers of this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, broadcast};

/// A notice for directory watchers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserNotice {
    /// The address became a user, or ceased to be one.
    User {
        /// The address.
        address: String,
        /// Whether it is a user now.
        exists: bool,
    },
    /// The user's password changed, or the user was removed.
    Password {
        /// The user.
        user_id: i64,
    },
    /// Notices may have been lost: caches are invalid.
    Lost,
}

/// Reports changes to watchers. Memory is bounded by the watched mailboxes: a watcher that does not listen
/// has one entry per mailbox, however many changes there were.
#[derive(Debug)]
pub struct Hub {
    watchers: Mutex<HashMap<i64, HashMap<u64, Arc<Pending>>>>,
    next_watcher: AtomicU64,
    users: broadcast::Sender<UserNotice>,
}

#[derive(Debug, Default)]
struct Pending {
    changes: Mutex<HashMap<i64, u64>>,
    wake: Notify,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            watchers: Mutex::default(),
            next_watcher: AtomicU64::new(0),
            users: broadcast::channel(1024).0,
        }
    }
}

impl Hub {
    /// Reports that mailboxes have reached these MODSEQs.
    pub fn publish(&self, changes: &[(i64, u64)]) {
        let watchers = locked(&self.watchers);
        for &(mailbox_id, modseq) in changes {
            for pending in watchers
                .get(&mailbox_id)
                .into_iter()
                .flat_map(HashMap::values)
            {
                let mut told = locked(&pending.changes);
                let highest = told.entry(mailbox_id).or_default();
                *highest = modseq.max(*highest);
                drop(told);
                pending.wake.notify_one();
            }
        }
    }

    /// Reports a change of a user.
    pub fn publish_user(&self, notice: UserNotice) {
        // No watcher is no error.
        self.users.send(notice).ok();
    }

    /// Notices about users from now on.
    pub fn users(&self) -> broadcast::Receiver<UserNotice> {
        self.users.subscribe()
    }

    /// All watched mailboxes.
    pub fn watched(&self) -> Vec<i64> {
        locked(&self.watchers).keys().copied().collect()
    }

    /// A new watcher without mailboxes.
    pub fn watcher(self: &Arc<Self>) -> Watcher {
        Watcher {
            hub: Arc::clone(self),
            id: self.next_watcher.fetch_add(1, Ordering::Relaxed),
            pending: Arc::default(),
            watched: Mutex::default(),
        }
    }
}

/// Receives changes of its mailboxes. Dropping it ends the watch.
#[derive(Debug)]
pub struct Watcher {
    hub: Arc<Hub>,
    id: u64,
    pending: Arc<Pending>,
    watched: Mutex<std::collections::HashSet<i64>>,
}

impl Watcher {
    /// Adds mailboxes.
    pub fn watch(&self, mailbox_ids: &[i64]) {
        let mut watchers = locked(&self.hub.watchers);
        for &mailbox_id in mailbox_ids {
            locked(&self.watched).insert(mailbox_id);
            watchers
                .entry(mailbox_id)
                .or_default()
                .insert(self.id, Arc::clone(&self.pending));
        }
    }

    /// Removes mailboxes.
    pub fn unwatch(&self, mailbox_ids: &[i64]) {
        let mut watchers = locked(&self.hub.watchers);
        for mailbox_id in mailbox_ids {
            locked(&self.watched).remove(mailbox_id);
            locked(&self.pending.changes).remove(mailbox_id);
            if let Some(others) = watchers.get_mut(mailbox_id) {
                others.remove(&self.id);
                if others.is_empty() {
                    watchers.remove(mailbox_id);
                }
            }
        }
    }

    /// Number of its mailboxes.
    pub fn watches(&self) -> usize {
        locked(&self.watched).len()
    }

    /// Reports these changes to this watcher only.
    pub fn tell(&self, changes: &[(i64, u64)]) {
        let mut told = locked(&self.pending.changes);
        for &(mailbox_id, modseq) in changes {
            let highest = told.entry(mailbox_id).or_default();
            *highest = modseq.max(*highest);
        }
        drop(told);
        self.pending.wake.notify_one();
    }

    /// Waits for changes; returns all of them, by mailbox.
    pub async fn next(&self) -> Vec<(i64, u64)> {
        loop {
            let mut changes: Vec<_> = std::mem::take(&mut *locked(&self.pending.changes))
                .into_iter()
                .collect();
            if !changes.is_empty() {
                changes.sort_unstable();
                return changes;
            }
            self.pending.wake.notified().await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let watched: Vec<i64> = locked(&self.watched).iter().copied().collect();
        self.unwatch(&watched);
    }
}
