//! The leases that this worker holds, and the credits it may grant for more (I4).
//!
//! A [`Lease`] is a value owned by one task at a time. It is renewed as long as it lives, and ends in one of
//! three ways: the queue records the outcome of its recipient ([`Lease::complete`]), the recipient goes back
//! to the queue untried ([`Lease::give_back`]), or the value is dropped, as in a panic. A dropped lease
//! expires, and the queue leases the recipient again.
//!
//! Recipients for other servers use no credits of those for mailboxes: a destination that hangs delays no
//! other mail. They have a bound of their own.

mod session;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::queue::v1::{Completion, LeaseKey, LeasedRecipient};
use tokio::sync::Notify;

pub(crate) use session::LeaseSession;

/// Maximum number of recipients that wait for other servers; more are deferred.
const REMOTE_LIMIT: usize = 10_000;

/// A recipient that is leased to this worker. It is renewed until the value is consumed or dropped.
pub(crate) struct Lease {
    recipient: LeasedRecipient,
    leases: Arc<Leases>,
    has_ended: bool,
}

impl Lease {
    pub(crate) fn recipient(&self) -> &LeasedRecipient {
        &self.recipient
    }

    /// The queue's id of the recipient.
    pub(crate) fn id(&self) -> i64 {
        self.recipient.recipient_id
    }

    pub(crate) fn key(&self) -> LeaseKey {
        lease_key(&self.recipient)
    }

    /// Whether the recipient has been leased anew meanwhile. Nothing is started with a void lease, since its
    /// outcome would be stale.
    pub(crate) fn is_void(&self) -> bool {
        !self.leases.lock().holds(&self.key())
    }

    /// Ends the attempt with the completion that the queue is to record.
    pub(crate) fn complete(self, completion: Completion) -> Ended {
        let lease = Some(self.key());
        Ended {
            completion: Completion {
                lease,
                ..completion
            },
            lease: self,
        }
    }

    /// Gives back leases that were not started: the queue may lease their recipients to another worker at
    /// once.
    pub(crate) fn give_back(leases: impl IntoIterator<Item = Self>) {
        Self::end(leases, true);
    }

    /// Ends leases of one worker together, so that their credits are granted together.
    fn end(leases: impl IntoIterator<Item = Self>, give_back: bool) {
        let mut held: Option<Arc<Leases>> = None;
        let mut keys = Vec::new();
        for mut lease in leases {
            lease.has_ended = true;
            keys.push(lease.key());
            held.get_or_insert_with(|| Arc::clone(&lease.leases));
        }
        if let Some(held) = held {
            held.end(&keys, give_back);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        if std::thread::panicking() {
            tracing::error!(
                recipient = self.recipient.recipient_id,
                "a task panicked; its recipient will be leased again"
            );
        }
        self.leases.end(&[self.key()], false);
    }
}

/// A lease whose attempt has ended, with the completion for the queue. It is held until that is recorded, so
/// that no other worker repeats the attempt.
pub(crate) struct Ended {
    lease: Lease,
    completion: Completion,
}

impl Ended {
    pub(crate) fn recipient(&self) -> &LeasedRecipient {
        self.lease.recipient()
    }

    pub(crate) fn completion(&self) -> &Completion {
        &self.completion
    }

    /// The completion, for changes.
    pub(crate) fn completion_mut(&mut self) -> &mut Completion {
        &mut self.completion
    }

    /// Drops the completion, which the queue refused; the attempt ends differently.
    pub(crate) fn into_lease(self) -> Lease {
        self.lease
    }

    /// Ends leases whose completions the queue has recorded.
    pub(crate) fn recorded(ended: impl IntoIterator<Item = Self>) {
        Lease::end(ended.into_iter().map(|one| one.lease), false);
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.recipient.fmt(f)
    }
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.completion.fmt(f)
    }
}

/// All leases of this worker, and their credits.
pub(crate) struct Leases {
    window: u32,
    state: Mutex<State>,
    changed: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    held: HashMap<i64, Held>,
    remote: usize,
    credits: u32,
    /// Leases not started, to be given back.
    left: Vec<LeaseKey>,
}

struct Held {
    epoch: u32,
    remote: bool,
    /// Held at the last request for renewals. A lease is renewed only from the second request on, since most
    /// are over before.
    seen: bool,
}

impl State {
    fn holds(&self, key: &LeaseKey) -> bool {
        let held = self.held.get(&key.recipient_id);
        held.is_some_and(|held| held.epoch == key.epoch)
    }

    /// Removes a lease; false if it is void.
    fn remove(&mut self, key: &LeaseKey) -> bool {
        let Entry::Occupied(held) = self.held.entry(key.recipient_id) else {
            return false;
        };
        if held.get().epoch != key.epoch {
            return false;
        }
        let held = held.remove();
        self.free(&held);
        true
    }

    fn free(&mut self, held: &Held) {
        if held.remote {
            self.remote = self.remote.saturating_sub(1);
        } else {
            self.credits += 1;
        }
    }
}

impl Held {
    fn key(&self, recipient_id: i64) -> LeaseKey {
        LeaseKey {
            recipient_id,
            epoch: self.epoch,
        }
    }
}

impl Leases {
    pub(crate) fn new(window: u32) -> Arc<Self> {
        Arc::new(Self {
            window,
            state: Mutex::default(),
            changed: Notify::new(),
            emptied: Notify::new(),
        })
    }

    /// Begins a new stream. Returns the first credits, less the recipients still being delivered to
    /// mailboxes.
    pub(crate) fn begin(&self) -> u32 {
        let mut state = self.lock();
        state.credits = 0;
        let local = state.held.len().saturating_sub(state.remote);
        let local = u32::try_from(local).unwrap_or(u32::MAX);
        self.window.saturating_sub(local)
    }

    /// All leases, for the renewal on a new stream: the queue knows which still hold.
    pub(crate) fn all(&self) -> Vec<LeaseKey> {
        let state = self.lock();
        let held = state.held.iter();
        held.map(|(id, held)| held.key(*id)).collect()
    }

    /// Adds recipients that the queue has leased to this worker.
    pub(crate) fn take(self: &Arc<Self>, recipients: Vec<LeasedRecipient>) -> Vec<Lease> {
        let mut state = self.lock();
        for recipient in &recipients {
            let held = Held {
                epoch: recipient.epoch,
                remote: false,
                seen: false,
            };
            // Leased anew while the earlier lease is still at work. The earlier one is void, and its credit
            // is free.
            if let Some(void) = state.held.insert(recipient.recipient_id, held) {
                state.free(&void);
            }
        }
        drop(state);
        let leases = recipients.into_iter().map(|recipient| Lease {
            recipient,
            leases: Arc::clone(self),
            has_ended: false,
        });
        leases.collect()
    }

    /// Counts leases as waiting for another server. False if too many wait already; the caller then defers
    /// them.
    pub(crate) fn begin_remote(&self, leases: &[Lease]) -> bool {
        let mut state = self.lock();
        if state.remote + leases.len() > REMOTE_LIMIT {
            return false;
        }
        let mut marked = 0;
        for lease in leases {
            if let Some(held) = state.held.get_mut(&lease.id())
                && !std::mem::replace(&mut held.remote, true)
            {
                marked += 1;
            }
        }
        state.remote += marked;
        state.credits += u32::try_from(marked).unwrap_or(0);
        drop(state);
        self.changed.notify_one();
        true
    }

    fn end(&self, leases: &[LeaseKey], give_back: bool) {
        let mut state = self.lock();
        for key in leases {
            if state.remove(key) && give_back {
                state.left.push(*key);
            }
        }
        if state.held.is_empty() {
            self.emptied.notify_one();
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Takes the leases to be reported to the queue as given back.
    pub(crate) fn take_left(&self) -> Vec<LeaseKey> {
        std::mem::take(&mut self.lock().left)
    }

    /// Waits until there may be credits to grant or leases to give back.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until no lease is held.
    pub(crate) async fn idle(&self) {
        while !self.is_idle() {
            self.emptied.notified().await;
        }
    }

    pub(crate) fn take_credits(&self) -> u32 {
        std::mem::take(&mut self.lock().credits)
    }

    pub(crate) fn to_renew(&self) -> Vec<LeaseKey> {
        let mut state = self.lock();
        let renewed = state.held.iter_mut().filter_map(|(id, held)| {
            std::mem::replace(&mut held.seen, true).then(|| held.key(*id))
        });
        renewed.collect()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.lock().held.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().held.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a recipient's lease.
pub(crate) fn lease_key(recipient: &LeasedRecipient) -> LeaseKey {
    LeaseKey {
        recipient_id: recipient.recipient_id,
        epoch: recipient.epoch,
    }
}
