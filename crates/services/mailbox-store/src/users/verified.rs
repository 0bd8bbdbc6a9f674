//! Pairs of user and password that were verified a short while ago, so that a client that logs in
//! again and again costs one argon2 and not many.
//!
//! Kept is no password and no hash of it that would be worth stealing: a MAC under a key that this
//! process made at its start and shows to nobody, bound to the stored hash, so that a changed
//! password never matches even before the notice of the change arrives.

use std::time::Duration;

use moka::sync::Cache;

use super::password::Password;

const KEPT: Duration = Duration::from_secs(600);
const MOST: u64 = 100_000;

type Mac = [u8; 32];

/// The cache. A user has an entry for each of their passwords: their own, and those of programs.
#[derive(Debug)]
pub(super) struct Verified {
    key: [u8; 32],
    pairs: Cache<(i64, Mac), ()>,
}

impl Verified {
    pub(super) fn new() -> Self {
        Self {
            key: rand::random(),
            pairs: Cache::builder()
                .max_capacity(MOST)
                .time_to_live(KEPT)
                .support_invalidation_closures()
                .build(),
        }
    }

    /// Remembers that the password matched the stored hash.
    pub(super) fn insert(&self, user_id: i64, stored: &str, password: &Password) {
        self.pairs.insert((user_id, self.mac(stored, password)), ());
    }

    /// Whether this very password was verified against this very hash. Nobody can make MACs that
    /// come close to one of ours, so it does no harm that the look-up compares as it likes.
    pub(super) fn contains(&self, user_id: i64, stored: &str, password: &Password) -> bool {
        self.pairs
            .contains_key(&(user_id, self.mac(stored, password)))
    }

    /// Forgets a user.
    pub(super) fn remove(&self, user_id: i64) {
        let forgotten = self
            .pairs
            .invalidate_entries_if(move |(owner, _), ()| *owner == user_id);
        if let Err(error) = forgotten {
            tracing::error!(%error, "verified passwords are not forgotten");
        }
    }

    fn mac(&self, stored: &str, password: &Password) -> Mac {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(stored.as_bytes());
        hasher.update(&[0]);
        hasher.update(password.as_bytes());
        hasher.finalize().into()
    }
}
