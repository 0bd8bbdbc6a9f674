//! CRAM-MD5 (RFC 2195): the client shows that it knows the password by a keyed hash of what we
//! made up.

use std::fmt;

use crate::Fault;

/// A digest to be checked: `digest` is `HMAC-MD5(password, challenge)`.
#[derive(Clone, PartialEq, Eq)]
pub struct CramProof {
    /// The login.
    pub login: String,
    /// What was made up.
    pub challenge: String,
    /// The keyed hash of it.
    pub digest: [u8; 16],
}

impl fmt::Debug for CramProof {
    /// With a digest and its challenge passwords can be guessed at.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CramProof")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// RFC 2195 §2: it looks like a Message-ID.
pub(crate) fn challenge(nonce: &str, host: &str) -> String {
    format!("<{nonce}@{host}>")
}

/// The login, a space, and the digest in 32 lower-case hexadecimal digits.
pub(crate) fn read(response: &str, challenge: String) -> Result<CramProof, Fault> {
    let (login, digits) = response.rsplit_once(' ').ok_or(Fault::Malformed)?;
    if login.is_empty() || login.contains('\0') {
        return Err(Fault::Malformed);
    }
    Ok(CramProof {
        login: login.to_owned(),
        challenge,
        digest: octets(digits.as_bytes()).ok_or(Fault::Malformed)?,
    })
}

fn octets(digits: &[u8]) -> Option<[u8; 16]> {
    let mut octets = [0; 16];
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != octets.len() {
        return None;
    }
    for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
        *octet = digit(*high)? << 4 | digit(*low)?;
    }
    Some(octets)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}
