//! Cache of recently verified pairs of user and password, so that a client that logs in repeatedly costs one
//! argon2 run and not many.
//!
//! It holds neither passwords nor hashes worth stealing. An entry is a MAC under a key that this process made
//! at its start and never reveals, bound to the stored hash. A changed password therefore never matches, even
//! before the notice of the change arrives.

use std::time::Duration;

use moka::sync::Cache;

use super::password::Password;

const KEPT: Duration = Duration::from_secs(600);
const MOST: u64 = 100_000;

type Mac = [u8; 32];

/// The cache. A user has an entry for each of their passwords, application passwords included.
pub(super) struct Verified {
    key: [u8; 32],
    pairs: Cache<(i64, Mac), ()>,
}

impl std::fmt::Debug for Verified {
    /// Shows neither the key nor the MACs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verified(…)")
    }
}

impl Verified {
    pub(super) fn new() -> Self {
        Self::with_capacity(MOST)
    }

    fn with_capacity(most: u64) -> Self {
        Self {
            key: rand::random(),
            pairs: Cache::builder()
                .max_capacity(most)
                .time_to_live(KEPT)
                .support_invalidation_closures()
                .build(),
        }
    }

    /// Caches that the password matched the stored hash.
    pub(super) fn insert(&self, user_id: i64, stored: &str, password: &Password) {
        self.pairs.insert((user_id, self.mac(stored, password)), ());
    }

    /// Whether this password was verified against this hash. Nobody can make MACs close to a stored one, so
    /// the comparison need not take constant time.
    pub(super) fn contains(&self, user_id: i64, stored: &str, password: &Password) -> bool {
        self.pairs
            .contains_key(&(user_id, self.mac(stored, password)))
    }

    /// Removes a user's entries.
    pub(super) fn remove(&self, user_id: i64) {
        let forgotten = self
            .pairs
            .invalidate_entries_if(move |(owner, _), ()| *owner == user_id);
        if let Err(error) = forgotten {
            tracing::error!(%error, "the cache of verified passwords no longer receives changes");
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn what_is_remembered_is_bound_to_user_hash_password_and_process() {
        let verified = Verified::new();
        verified.insert(1, "hash", &password("secret"));
        assert!(verified.contains(1, "hash", &password("secret")));
        assert!(!verified.contains(2, "hash", &password("secret")));
        assert!(!verified.contains(1, "other", &password("secret")));
        assert!(!verified.contains(1, "hash", &password("Secret")));
        let other = Verified::new();
        let mac = |of: &Verified| of.mac("hash", &password("secret"));
        assert_ne!(mac(&verified), mac(&other));
        verified.remove(1);
        assert!(!verified.contains(1, "hash", &password("secret")));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let verified = Verified::with_capacity(10);
        for user_id in 0..1000 {
            verified.insert(user_id, "hash", &password("secret"));
        }
        verified.pairs.run_pending_tasks();
        assert!(verified.pairs.entry_count() <= 10);
    }
}
