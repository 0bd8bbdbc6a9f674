//! Each user's share of the database's connections: whatever one user's sessions ask for at once,
//! others find connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Gives users their turns.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    /// Turns that a user has at a time.
    share: usize,
    users: Arc<Mutex<HashMap<i64, Arc<Semaphore>>>>,
}

/// A user's right to one connection. Never ask for a second one while this is held: whoever holds
/// all turns of a user and waits for another would wait for ever.
#[derive(Debug)]
pub struct Turn {
    user_id: i64,
    turns: Turns,
    /// None only while the turn is given back.
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(super) fn new(share: usize) -> Self {
        Self {
            share: share.max(1),
            users: Arc::default(),
        }
    }

    /// Waits for a turn of the user; they come in the order in which they were asked for.
    pub(super) async fn of(&self, user_id: i64) -> Turn {
        // Given back as a whole when this is cancelled meanwhile.
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
        // It is never closed.
        turn.permit = waiting.await.ok();
        turn
    }

    /// Users who have turns or wait for some.
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
        // Nobody has a turn or waits for one, since both hold the semaphore.
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
