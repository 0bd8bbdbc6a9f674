//! Each user's share of the database connections: however much one user's sessions request at once, others
//! find connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns of all users.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    /// Turns of one user at a time.
    share: usize,
    users: Arc<Mutex<HashMap<i64, Arc<Semaphore>>>>,
}

/// A user's right to one connection. Never request a second turn while holding one: a holder of all turns of
/// a user would wait for ever.
#[derive(Debug)]
pub struct Turn {
    user_id: i64,
    turns: Turns,
    /// `None` only during the release.
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(super) fn new(share: usize) -> Self {
        Self {
            share: share.max(1),
            users: Arc::default(),
        }
    }

    /// Waits for a turn of the user. Turns are given in the order of the requests.
    pub(super) async fn of(&self, user_id: i64) -> Turn {
        // Released as a whole if this future is cancelled.
        let mut turn = Turn {
            user_id,
            turns: self.clone(),
            permit: None,
        };
        let users = |turns: &Self| {
            let mut users = turns.users.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(turns.share));
            Arc::clone(users.entry(user_id).or_insert_with(new))
        };
        let waiting = users(self).acquire_owned();
        // The semaphore is never closed.
        turn.permit = waiting.await.ok();
        turn
    }

    /// Number of users who have turns or wait for some.
    #[cfg(test)]
    pub(super) fn users(&self) -> usize {
        self.users
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let users = &self.turns.users;
        let mut users = users.lock().unwrap_or_else(PoisonError::into_inner);
        self.permit = None;
        // No task has a turn or waits for one, since both hold the semaphore.
        if let Some(turns) = users.get(&self.user_id)
            && Arc::strong_count(turns) == 1
        {
            users.remove(&self.user_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn has_to_wait(turn: impl Future<Output = Turn>) -> bool {
        tokio::select! {
            biased;
            _ = turn => false,
            () = std::future::ready(()) => true,
        }
    }

    #[tokio::test]
    async fn a_user_has_a_share_and_others_have_theirs() {
        let turns = Turns::new(2);
        let one = turns.of(1).await;
        let _two = turns.of(1).await;
        assert!(has_to_wait(turns.of(1)).await);
        let _other = turns.of(2).await;
        drop(one);
        assert!(!has_to_wait(turns.of(1)).await);
    }

    #[tokio::test]
    async fn nothing_is_kept_of_users_who_ask_for_nothing() {
        let turns = Turns::new(1);
        let turn = turns.of(1).await;
        assert!(has_to_wait(turns.of(1)).await);
        assert_eq!(turns.users(), 1);
        drop(turn);
        assert_eq!(turns.users(), 0);
    }
}
