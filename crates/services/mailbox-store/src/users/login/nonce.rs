//! The server's part of SCRAM's nonce, so that no proof can be replayed (RFC 5802 §5.1).

use aws_lc_rs::rand;

use crate::{Error, Result};

/// Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 120 random bits as text.
pub(super) fn nonce() -> Result<String> {
    let mut octets = [0; 24];
    rand::fill(&mut octets).map_err(|_| Error::Unavailable("no randomness".into()))?;
    let digit = |octet: &u8| char::from(DIGITS[usize::from(octet & 31)]);
    Ok(octets.iter().map(digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let nonces: std::collections::HashSet<_> = (0..100).filter_map(|_| nonce().ok()).collect();
        assert_eq!(nonces.len(), 100);
        assert!(nonces.iter().all(|nonce| nonce.len() == 24));
    }
}
