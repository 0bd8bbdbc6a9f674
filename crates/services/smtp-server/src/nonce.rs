//! What a client's proof is made over, so that none can be used again (RFC 5802 §5.1).

use aws_lc_rs::rand;

/// Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 120 random bits as text; none where the system has none.
pub(crate) fn nonce() -> Option<String> {
    let mut octets = [0; 24];
    rand::fill(&mut octets).ok()?;
    let digit = |octet: &u8| char::from(DIGITS[usize::from(octet & 31)]);
    Some(octets.iter().map(digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let nonces: std::collections::HashSet<_> = (0..100).filter_map(|_| nonce()).collect();
        assert_eq!(nonces.len(), 100);
        assert!(nonces.iter().all(|nonce| nonce.len() == 24));
    }
}
