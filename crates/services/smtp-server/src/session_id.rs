//! The id that names a message in the reply, the Received field and the history before the queue has numbered
//! it. It is short enough to be read aloud on the telephone.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

use api::clock::now_ms;

/// Crockford's base 32: no letter that looks like a digit.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Makes ids: 40 bits of milliseconds (35 years) and a counter of 25 bits that starts at a random number.
/// Neither a restart nor another replica repeats an id.
pub(crate) struct SessionIds {
    next: AtomicU64,
}

impl SessionIds {
    pub(crate) fn new() -> Self {
        Self {
            next: AtomicU64::new(RandomState::new().build_hasher().finish()),
        }
    }

    pub(crate) fn next(&self) -> String {
        encode(now_ms() as u64, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// 13 digits of 5 bits.
fn encode(milliseconds: u64, count: u64) -> String {
    let bits =
        (u128::from(milliseconds & ((1 << 40) - 1)) << 25) | u128::from(count & ((1 << 25) - 1));
    (0..13)
        .rev()
        .map(|digit| char::from(DIGITS[(bits >> (digit * 5)) as usize & 31]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_ordered_by_time_and_differ() {
        assert_eq!(encode(0, 0), "0000000000000");
        assert_eq!(encode(0, 33), "0000000000011");
        assert!(encode(1, 0) > encode(0, u64::MAX));
        let ids = SessionIds::new();
        assert_ne!(ids.next(), ids.next());
    }
}
