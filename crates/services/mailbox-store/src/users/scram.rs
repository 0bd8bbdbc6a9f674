//! SCRAM keys (RFC 5802 §3, RFC 7677), stored instead of a password to verify proofs. They are made when a
//! password is set or given, and do not leave this process.
//!
//! All passwords of a user share one salt, since a client gets the salt before it says which password it
//! uses. The salt is derived from a secret and the login, so that a login that does not exist has one, too.

use std::num::NonZeroU32;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256};
use sasl::Hash;

use super::password::Password;
use crate::store::Store;
use crate::{Error, Result};

pub(super) type Salt = [u8; 16];

/// The operations of the mechanism's hash function.
trait Function {
    fn length(self) -> usize;
    fn mac(self, key: &[u8], message: &[u8]) -> hmac::Tag;
    fn digest(self, message: &[u8]) -> digest::Digest;
}

impl Function for Hash {
    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn mac(self, key: &[u8], message: &[u8]) -> hmac::Tag {
        let algorithm = match self {
            Self::Sha1 => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => HMAC_SHA256,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), message)
    }

    fn digest(self, message: &[u8]) -> digest::Digest {
        match self {
            Self::Sha1 => digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, message),
            Self::Sha256 => digest::digest(&SHA256, message),
        }
    }
}

/// StoredKey and ServerKey for both hash functions, with the iterations.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Keys(Vec<u8>);

/// Four octets of iterations, then the keys.
const LENGTH: usize = 4 + 20 + 20 + 32 + 32;

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Derives the keys, which takes a while. `None` if the password cannot be prepared (RFC 4013): then no
    /// client can prove it either.
    pub(super) fn derive(password: &Password, salt: &Salt, iterations: NonZeroU32) -> Option<Self> {
        let password = stringprep::saslprep(password.as_str()).ok()?;
        let mut keys = iterations.get().to_be_bytes().to_vec();
        for hash in [Hash::Sha1, Hash::Sha256] {
            let algorithm = match hash {
                Hash::Sha1 => PBKDF2_HMAC_SHA1,
                Hash::Sha256 => PBKDF2_HMAC_SHA256,
            };
            let mut salted = [0; 32];
            let salted = salted.get_mut(..hash.length())?;
            pbkdf2::derive(algorithm, iterations, salt, password.as_bytes(), salted);
            let client_key = hash.mac(salted, b"Client Key");
            keys.extend_from_slice(hash.digest(client_key.as_ref()).as_ref());
            keys.extend_from_slice(hash.mac(salted, b"Server Key").as_ref());
        }
        Some(Self(keys))
    }

    /// Decodes stored keys. `None` if they do not fit today's parameters.
    pub(super) fn read(stored: Option<Vec<u8>>, iterations: NonZeroU32) -> Option<Self> {
        stored
            .filter(|keys| {
                keys.len() == LENGTH && keys.starts_with(&iterations.get().to_be_bytes())
            })
            .map(Self)
    }

    /// In stored form.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Keys of no password, to do the same work for a missing account.
    pub(super) fn dummy() -> Self {
        Self(vec![0; LENGTH])
    }

    fn of(&self, hash: Hash) -> Option<(&[u8], &[u8])> {
        let length = hash.length();
        let start = match hash {
            Hash::Sha1 => 4,
            Hash::Sha256 => 4 + 20 + 20,
        };
        let (_, keys) = self.0.split_at_checked(start)?;
        let (stored, rest) = keys.split_at_checked(length)?;
        Some((stored, rest.get(..length)?))
    }

    /// The ServerSignature, if the proof is valid.
    pub(super) fn verify(&self, hash: Hash, auth_message: &[u8], proof: &[u8]) -> Option<Vec<u8>> {
        let (stored_key, server_key) = self.of(hash)?;
        let signature = hash.mac(stored_key, auth_message);
        let server_signature = hash.mac(server_key, auth_message);
        if proof.len() != hash.length() {
            return None;
        }
        let client_key: Vec<u8> = proof
            .iter()
            .zip(signature.as_ref())
            .map(|(proof, signature)| proof ^ signature)
            .collect();
        verify_slices_are_equal(hash.digest(&client_key).as_ref(), stored_key).ok()?;
        Some(server_signature.as_ref().to_vec())
    }
}

/// The salt of a login, whether it exists or not.
pub(super) async fn salt(store: &Store, login: &str) -> Result<Salt> {
    let mac = Hash::Sha256.mac(store.salt_secret().await?, login.as_bytes());
    let (salt, _) = mac
        .as_ref()
        .split_first_chunk()
        .ok_or_else(|| Error::Internal("a hash is too short".into()))?;
    Ok(*salt)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const COUNT: NonZeroU32 = NonZeroU32::new(4096).unwrap();

    fn password(text: &str) -> Password {
        Password::parse(text.to_owned()).unwrap()
    }

    /// The examples' salts are not 16 octets long.
    fn keys(hash: Hash, text: &str, salt: &str) -> Keys {
        let mut keys = Keys::dummy();
        let salt = STANDARD.decode(salt).unwrap();
        let (algorithm, start) = match hash {
            Hash::Sha1 => (PBKDF2_HMAC_SHA1, 4),
            Hash::Sha256 => (PBKDF2_HMAC_SHA256, 44),
        };
        let mut salted = vec![0; hash.length()];
        pbkdf2::derive(algorithm, COUNT, &salt, text.as_bytes(), &mut salted);
        let client_key = hash.mac(&salted, b"Client Key");
        let length = hash.length();
        let stored = hash.digest(client_key.as_ref());
        let server = hash.mac(&salted, b"Server Key");
        keys.0[start..start + length].copy_from_slice(stored.as_ref());
        keys.0[start + length..start + 2 * length].copy_from_slice(server.as_ref());
        keys
    }

    #[test]
    fn the_examples_of_rfc_5802_and_rfc_7677_are_good() {
        let rows = [
            (
                Hash::Sha1,
                "QSXCR+Q6sek8bf92",
                "n=user,r=fyko+d2lbbFgONRv9qkxdawL,\
                 r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,\
                 c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
                "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ),
            (
                Hash::Sha256,
                "W22ZaJ0SNY7soEsUEjb6gQ==",
                "n=user,r=rOprNGfwEbeRWgbNEkqO,\
                 r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                 s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
                 c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
                "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ),
        ];
        for (hash, salt, message, proof, signature) in rows {
            let keys = keys(hash, "pencil", salt);
            let proof = STANDARD.decode(proof).unwrap();
            let found = keys.verify(hash, message.as_bytes(), &proof).unwrap();
            assert_eq!(STANDARD.encode(found), signature);
            let other = format!("{message}x");
            assert_eq!(keys.verify(hash, other.as_bytes(), &proof), None);
            assert_eq!(keys.verify(hash, message.as_bytes(), &proof[1..]), None);
            assert_eq!(Keys::dummy().verify(hash, message.as_bytes(), &proof), None);
        }
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let derived = Keys::derive(&password("pencil"), &salt.try_into().unwrap(), COUNT).unwrap();
        let known = keys(Hash::Sha256, "pencil", "W22ZaJ0SNY7soEsUEjb6gQ==");
        assert_eq!(derived.of(Hash::Sha256), known.of(Hash::Sha256));
    }

    #[test]
    fn keys_are_read_as_they_were_stored_and_only_for_the_count_of_today() {
        let keys = Keys::derive(&password("pencil"), &[7; 16], COUNT).unwrap();
        let stored = Some(keys.as_bytes().to_vec());
        assert_eq!(Keys::read(stored.clone(), COUNT), Some(keys));
        assert_eq!(Keys::read(stored, COUNT.saturating_add(1)), None);
        assert_eq!(Keys::read(Some(vec![0, 0, 16, 0]), COUNT), None);
        assert_eq!(Keys::read(None, COUNT), None);
    }

    #[test]
    fn passwords_are_prepared_and_those_that_cannot_be_have_no_keys() {
        let keys = |text: &str| Keys::derive(&password(text), &[7; 16], COUNT);
        // RFC 4013 §3: the soft hyphen is removed, the Roman numeral becomes two letters.
        assert_eq!(keys("I\u{ad}X"), keys("IX"));
        assert_eq!(keys("\u{2168}"), keys("IX"));
        assert_eq!(keys("\u{7}"), None);
    }
}
