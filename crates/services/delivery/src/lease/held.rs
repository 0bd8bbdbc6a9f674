//! The leases this worker holds, and the credits it may give for more.
//!
//! Recipients on their way to other servers do not use up the credits of those for mailboxes: a
//! destination that hangs holds back nobody else. They have a bound of their own.
//!
//! A lease that nobody is at work on would be renewed for ever: a task has a [`Guard`] for what it
//! takes in hand.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::queue::v1::{LeaseKey, LeasedRecipient};
use tokio::sync::Notify;

use crate::work::lease_key;

/// Recipients that may wait for other servers; above that they are put off.
const REMOTE_LIMIT: usize = 10_000;

/// See the module.
pub(crate) struct Held {
    window: u32,
    state: Mutex<State>,
    changed: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    leases: HashMap<i64, Lease>,
    remote: usize,
    credits: u32,
    /// Not begun, and to be given back.
    left: Vec<LeaseKey>,
}

struct Lease {
    epoch: u32,
    remote: bool,
    /// Held when renewals were last asked for: renewed only then, since most are done before.
    seen: bool,
}

/// Leases in the hands of a task. When it panics they are released, so that the queue leases the
/// recipients anew.
pub(crate) struct Guard {
    held: Arc<Held>,
    leases: Vec<LeaseKey>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let recipients = self.leases.iter().map(|lease| lease.recipient_id);
            tracing::error!(
                recipients = ?recipients.collect::<Vec<_>>(),
                "a task panicked; its recipients are left to be leased anew"
            );
            self.held.release(&self.leases);
        }
    }
}

impl State {
    /// False when it is not held, or void.
    fn remove(&mut self, key: &LeaseKey) -> bool {
        let Entry::Occupied(held) = self.leases.entry(key.recipient_id) else {
            return false;
        };
        if held.get().epoch != key.epoch {
            return false;
        }
        let lease = held.remove();
        self.free(&lease);
        true
    }

    fn free(&mut self, lease: &Lease) {
        if lease.remote {
            self.remote = self.remote.saturating_sub(1);
        } else {
            self.credits += 1;
        }
    }
}

impl Lease {
    fn key(&self, recipient_id: i64) -> LeaseKey {
        LeaseKey {
            recipient_id,
            epoch: self.epoch,
        }
    }
}

impl Held {
    pub(crate) fn new(window: u32) -> Self {
        Self {
            window,
            state: Mutex::default(),
            changed: Notify::new(),
            emptied: Notify::new(),
        }
    }

    /// A new stream begins. Gives the first credits: what is under way to mailboxes still counts.
    pub(super) fn begin(&self) -> u32 {
        let mut state = self.lock();
        state.credits = 0;
        let local = state.leases.len().saturating_sub(state.remote);
        let local = u32::try_from(local).unwrap_or(u32::MAX);
        self.window.saturating_sub(local)
    }

    /// All leases, to be taken over to a new stream: the queue knows which are still ours.
    pub(super) fn all(&self) -> Vec<LeaseKey> {
        let state = self.lock();
        let leases = state.leases.iter();
        leases.map(|(id, lease)| lease.key(*id)).collect()
    }

    pub(crate) fn add(&self, recipients: &[LeasedRecipient]) {
        let mut state = self.lock();
        for recipient in recipients {
            let lease = Lease {
                epoch: recipient.epoch,
                remote: false,
                seen: false,
            };
            // Leased anew while the lease before is still at work: that one's end is void, and its
            // place is free.
            if let Some(void) = state.leases.insert(recipient.recipient_id, lease) {
                state.free(&void);
            }
        }
    }

    /// These go to another server. False when too many do: then they are to be put off.
    pub(crate) fn begin_remote(&self, recipients: &[LeasedRecipient]) -> bool {
        let mut state = self.lock();
        if state.remote + recipients.len() > REMOTE_LIMIT {
            return false;
        }
        let mut marked = 0;
        for recipient in recipients {
            if let Some(lease) = state.leases.get_mut(&recipient.recipient_id)
                && !std::mem::replace(&mut lease.remote, true)
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

    /// Leaves out what is not to be begun: its lease has been released, or is void since the
    /// recipient was leased anew.
    pub(crate) fn keep<T>(&self, waiting: &mut Vec<T>, recipient: impl Fn(&T) -> &LeasedRecipient) {
        let state = self.lock();
        waiting.retain(|one| {
            let recipient = recipient(one);
            let lease = state.leases.get(&recipient.recipient_id);
            lease.is_some_and(|lease| lease.epoch == recipient.epoch)
        });
    }

    /// For a task that takes these in hand.
    pub(crate) fn guard<'a>(
        self: &Arc<Self>,
        recipients: impl IntoIterator<Item = &'a LeasedRecipient>,
    ) -> Guard {
        Guard {
            held: Arc::clone(self),
            leases: recipients.into_iter().map(lease_key).collect(),
        }
    }

    /// The queue has recorded what became of these, or their leases are left to lapse.
    pub(crate) fn release<'a>(&self, leases: impl IntoIterator<Item = &'a LeaseKey>) {
        self.end(leases, false);
    }

    /// These have not begun: the queue may give them to another worker at once.
    pub(crate) fn give_back<'a>(&self, leases: impl IntoIterator<Item = &'a LeaseKey>) {
        self.end(leases, true);
    }

    fn end<'a>(&self, leases: impl IntoIterator<Item = &'a LeaseKey>, give_back: bool) {
        let mut state = self.lock();
        for key in leases {
            if state.remove(key) && give_back {
                state.left.push(*key);
            }
        }
        if state.leases.is_empty() {
            self.emptied.notify_one();
        }
        drop(state);
        self.changed.notify_one();
    }

    /// What the queue is to be told of.
    pub(super) fn take_left(&self) -> Vec<LeaseKey> {
        std::mem::take(&mut self.lock().left)
    }

    /// Waits until there may be credits, or leases, to give.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until no lease is held.
    pub(crate) async fn idle(&self) {
        while !self.is_idle() {
            self.emptied.notified().await;
        }
    }

    pub(super) fn take_credits(&self) -> u32 {
        std::mem::take(&mut self.lock().credits)
    }

    pub(super) fn to_renew(&self) -> Vec<LeaseKey> {
        let mut state = self.lock();
        let renewed = state.leases.iter_mut().filter_map(|(id, lease)| {
            std::mem::replace(&mut lease.seen, true).then(|| lease.key(*id))
        });
        renewed.collect()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.lock().leases.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().leases.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipients(ids: std::ops::Range<i64>) -> Vec<LeasedRecipient> {
        ids.map(|recipient_id| LeasedRecipient {
            recipient_id,
            epoch: 1,
            ..LeasedRecipient::default()
        })
        .collect()
    }

    fn key(recipient_id: i64, epoch: u32) -> LeaseKey {
        LeaseKey {
            recipient_id,
            epoch,
        }
    }

    #[test]
    fn a_released_lease_gives_its_credit_back_once() {
        let held = Held::new(10);
        assert_eq!(held.begin(), 10);
        held.add(&recipients(0..3));
        held.release(&[key(0, 1), key(0, 1), key(1, 2), key(9, 1)]);
        assert_eq!(held.take_credits(), 1);
        assert_eq!(held.len(), 2);
    }

    #[test]
    fn what_has_not_begun_is_given_back_once_unless_it_is_void() {
        let held = Held::new(10);
        held.add(&recipients(0..3));
        held.give_back(&[key(0, 1), key(0, 1), key(1, 2), key(9, 1)]);
        held.release(&[key(2, 1)]);
        assert_eq!(held.take_left(), [key(0, 1)]);
        assert_eq!(held.take_left(), []);
        assert_eq!(held.len(), 1);
    }

    #[test]
    fn remote_recipients_give_their_credit_back_at_once_and_not_again() {
        let held = Held::new(10);
        held.begin();
        let remote = recipients(0..3);
        held.add(&remote);
        assert!(held.begin_remote(&remote));
        assert!(held.begin_remote(&remote), "marking twice changes nothing");
        assert_eq!(held.take_credits(), 3);
        held.release(&[key(0, 1), key(1, 1), key(2, 1)]);
        assert_eq!(held.take_credits(), 0);
        assert!(held.is_idle());
    }

    #[test]
    fn more_remote_recipients_than_the_limit_are_turned_away() {
        let held = Held::new(10);
        held.begin();
        let many = recipients(0..10_001);
        held.add(&many);
        assert!(!held.begin_remote(&many));
        assert!(held.begin_remote(&many[..10_000]));
        assert!(!held.begin_remote(&many[10_000..]));
    }

    #[test]
    fn only_what_is_held_for_a_while_is_renewed() {
        let held = Held::new(10);
        held.begin();
        held.add(&recipients(0..1));
        assert!(held.to_renew().is_empty());
        held.add(&recipients(1..2));
        assert_eq!(held.to_renew(), vec![key(0, 1)]);
    }

    #[test]
    fn what_is_under_way_is_taken_over_to_a_new_stream() {
        let held = Held::new(10);
        held.begin();
        held.add(&recipients(0..3));
        assert!(held.begin_remote(&recipients(0..1)));
        assert_eq!(held.begin(), 8);
        let mut all = held.all();
        all.sort_by_key(|lease| lease.recipient_id);
        assert_eq!(all, [key(0, 1), key(1, 1), key(2, 1)]);
        // The queue had ended one of them, and leases it to us again.
        let again = LeasedRecipient {
            recipient_id: 1,
            epoch: 2,
            ..LeasedRecipient::default()
        };
        held.add(std::slice::from_ref(&again));
        held.release(&[key(1, 1), key(2, 1)]);
        let mut waiting = recipients(0..3);
        waiting.push(again);
        held.keep(&mut waiting, |recipient| recipient);
        let kept: Vec<_> = waiting.iter().map(lease_key).collect();
        assert_eq!(kept, [key(0, 1), key(1, 2)], "neither void nor released");
        assert_eq!(held.take_credits(), 2);
        assert_eq!(held.all().len(), 2);
    }
}
