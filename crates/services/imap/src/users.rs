//! The number of connections of each user, over all listeners of the process.
//!
//! Listeners limit connections by address. An attacker with one password and many addresses could still fill
//! all slots of a listener and exclude every other user.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts of connections. Clones share the counts.
#[derive(Clone)]
pub(crate) struct Users {
    shared: Arc<Shared>,
}

struct Shared {
    limit: usize,
    /// By user; users without a connection are left out.
    connections: Mutex<HashMap<i64, NonZeroUsize>>,
}

/// One connection of a user, from the login on. Dropping it releases the slot, however the session ends.
pub(crate) struct UserConnection {
    user: i64,
    shared: Arc<Shared>,
}

impl Users {
    /// With this maximum for each user.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                limit,
                connections: Mutex::default(),
            }),
        }
    }

    /// Counts one more connection of this user; `None` if the maximum is reached.
    pub(crate) fn connect(&self, user: i64) -> Option<UserConnection> {
        let mut connections = self.shared.lock();
        let count = connections.get(&user).map_or(0, |count| count.get());
        if count >= self.shared.limit {
            return None;
        }
        connections.insert(user, NonZeroUsize::MIN.saturating_add(count));
        Some(UserConnection {
            user,
            shared: Arc::clone(&self.shared),
        })
    }
}

impl UserConnection {
    /// The user.
    pub(crate) fn user(&self) -> i64 {
        self.user
    }
}

impl Drop for UserConnection {
    fn drop(&mut self) {
        let mut connections = self.shared.lock();
        if let Entry::Occupied(mut entry) = connections.entry(self.user) {
            match NonZeroUsize::new(entry.get().get() - 1) {
                Some(fewer) => drop(entry.insert(fewer)),
                None => drop(entry.remove()),
            }
        }
    }
}

impl Shared {
    /// A poisoned lock is used: the counts are consistent between any two changes.
    fn lock(&self) -> MutexGuard<'_, HashMap<i64, NonZeroUsize>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failing test may panic.

    use super::*;

    #[test]
    fn a_user_has_so_many_connections_and_others_have_their_own() {
        let users = Users::new(2);
        let first = users.connect(1).unwrap();
        let _second = users.connect(1).unwrap();
        assert!(users.connect(1).is_none());
        let other = users.connect(2).unwrap();
        assert_eq!((first.user(), other.user()), (1, 2));
        drop(first);
        let _third = users.connect(1).unwrap();
        assert!(users.connect(1).is_none());
    }

    #[test]
    fn a_session_that_panics_gives_its_place_back() {
        let users = Users::new(1);
        let held = users.connect(1).unwrap();
        let session = std::thread::spawn(move || {
            let _held = held;
            panic!("the session fails");
        });
        assert!(session.join().is_err());
        assert!(users.connect(1).is_some());
    }

    #[test]
    fn users_without_connections_take_no_memory() {
        let users = Users::new(1);
        for user in 0..100 {
            drop(users.connect(user));
        }
        assert!(users.shared.lock().is_empty());
    }
}
