//! The watchers of this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, broadcast};

/// What directory watchers hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserNotice {
    /// The address came to be, or ceased to be, a user.
    User {
        /// The user's address.
        address: String,
        /// Whether it is a user now.
        exists: bool,
    },
    /// The user's password changed, or the user is gone.
    Password {
        /// Whose.
        user_id: i64,
    },
    /// Notices may have been lost: what was kept is worth nothing.
    Lost,
}

/// Tells changes to those who watch. Memory is bounded by what is watched: a watcher that does not
/// listen has one entry for each of its mailboxes, however many changes there were.
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
    /// Tells that mailboxes have reached these MODSEQs.
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

    /// Tells what became of a user.
    pub fn publish_user(&self, notice: UserNotice) {
        // No one listening is fine.
        self.users.send(notice).ok();
    }

    /// Notices about users from now on.
    pub fn users(&self) -> broadcast::Receiver<UserNotice> {
        self.users.subscribe()
    }

    /// All mailboxes that are watched.
    pub fn watched(&self) -> Vec<i64> {
        locked(&self.watchers).keys().copied().collect()
    }

    /// A new watcher, which watches nothing yet.
    pub fn watcher(self: &Arc<Self>) -> Watcher {
        Watcher {
            hub: Arc::clone(self),
            id: self.next_watcher.fetch_add(1, Ordering::Relaxed),
            pending: Arc::default(),
            watched: Mutex::default(),
        }
    }
}

/// Hears of changes to the mailboxes it watches; dropped, it watches no longer.
#[derive(Debug)]
pub struct Watcher {
    hub: Arc<Hub>,
    id: u64,
    pending: Arc<Pending>,
    watched: Mutex<std::collections::HashSet<i64>>,
}

impl Watcher {
    /// Watches these too.
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

    /// Watches these no longer.
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

    /// How many it watches.
    pub fn watches(&self) -> usize {
        locked(&self.watched).len()
    }

    /// As if this had just been published, to this watcher alone.
    pub fn tell(&self, changes: &[(i64, u64)]) {
        let mut told = locked(&self.pending.changes);
        for &(mailbox_id, modseq) in changes {
            let highest = told.entry(mailbox_id).or_default();
            *highest = modseq.max(*highest);
        }
        drop(told);
        self.pending.wake.notify_one();
    }

    /// Waits for changes; all there are, by mailbox.
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
