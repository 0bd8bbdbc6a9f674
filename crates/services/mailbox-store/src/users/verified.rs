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

/// The cache.
#[derive(Debug)]
pub(super) struct Verified {
    key: [u8; 32],
    pairs: Cache<i64, Mac>,
}

impl Verified {
    pub(super) fn new() -> Self {
        Self {
            key: rand::random(),
            pairs: Cache::builder()
                .max_capacity(MOST)
                .time_to_live(KEPT)
                .build(),
        }
    }

    /// Remembers that the password matched the stored hash.
    pub(super) fn insert(&self, user_id: i64, stored: &str, password: &Password) {
        self.pairs.insert(user_id, self.mac(stored, password));
    }

    /// Whether this very password was verified against this very hash.
    pub(super) fn contains(&self, user_id: i64, stored: &str, password: &Password) -> bool {
        // blake3's comparison takes the same time wherever the two differ.
        self.pairs.get(&user_id).is_some_and(|mac| {
            blake3::Hash::from(mac) == blake3::Hash::from(self.mac(stored, password))
        })
    }

    /// Forgets a user.
    pub(super) fn remove(&self, user_id: i64) {
        self.pairs.invalidate(&user_id);
    }

    fn mac(&self, stored: &str, password: &Password) -> Mac {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(stored.as_bytes());
        hasher.update(&[0]);
        hasher.update(password.as_bytes());
        hasher.finalize().into()
    }
}
