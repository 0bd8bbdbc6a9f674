//! SCRAM computations for both sides (RFC 5802 §3), independent of the code under test.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256};

/// The keys derived from a password.
#[derive(Debug)]
pub struct ScramKeys {
    sha1: bool,
    client: Vec<u8>,
    server: Vec<u8>,
}

impl ScramKeys {
    /// With SCRAM-SHA-1 or SCRAM-SHA-256.
    #[must_use]
    pub fn derive(sha1: bool, password: &str, salt: &[u8], iterations: u32) -> Self {
        let (algorithm, length) = match sha1 {
            true => (PBKDF2_HMAC_SHA1, 20),
            false => (PBKDF2_HMAC_SHA256, 32),
        };
        let mut salted = vec![0; length];
        let iterations = NonZeroU32::new(iterations).expect("iterations");
        let password = password.as_bytes();
        pbkdf2::derive(algorithm, iterations, salt, password, &mut salted);
        Self {
            sha1,
            client: mac(sha1, &salted, b"Client Key"),
            server: mac(sha1, &salted, b"Server Key"),
        }
    }

    /// ClientProof.
    #[must_use]
    pub fn proof(&self, auth_message: &[u8]) -> Vec<u8> {
        let algorithm = match self.sha1 {
            true => &SHA1_FOR_LEGACY_USE_ONLY,
            false => &SHA256,
        };
        let stored = digest(algorithm, &self.client);
        let signature = mac(self.sha1, stored.as_ref(), auth_message);
        let both = self.client.iter().zip(&signature);
        both.map(|(key, signature)| key ^ signature).collect()
    }

    /// ServerSignature.
    #[must_use]
    pub fn signature(&self, auth_message: &[u8]) -> Vec<u8> {
        mac(self.sha1, &self.server, auth_message)
    }
}

fn mac(sha1: bool, key: &[u8], message: &[u8]) -> Vec<u8> {
    let algorithm = match sha1 {
        true => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        false => HMAC_SHA256,
    };
    hmac::sign(&hmac::Key::new(algorithm, key), message)
        .as_ref()
        .to_vec()
}
