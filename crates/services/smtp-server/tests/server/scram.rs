//! Both ends' arithmetic of SCRAM-SHA-256 (RFC 5802 §3), for a client and for a directory.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};

pub(crate) const SALT: &[u8] = b"salt";
pub(crate) const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

pub(crate) struct Keys {
    client: Vec<u8>,
    server: Vec<u8>,
}

impl Keys {
    pub(crate) fn of(password: &str) -> Self {
        let mut salted = [0; 32];
        let password = password.as_bytes();
        pbkdf2::derive(PBKDF2_HMAC_SHA256, ITERATIONS, SALT, password, &mut salted);
        Self {
            client: mac(&salted, b"Client Key"),
            server: mac(&salted, b"Server Key"),
        }
    }

    /// ClientProof.
    pub(crate) fn proof(&self, auth_message: &[u8]) -> Vec<u8> {
        let stored = digest(&SHA256, &self.client);
        let signature = mac(stored.as_ref(), auth_message);
        let both = self.client.iter().zip(&signature);
        both.map(|(key, signature)| key ^ signature).collect()
    }

    /// ServerSignature.
    pub(crate) fn signature(&self, auth_message: &[u8]) -> Vec<u8> {
        mac(&self.server, auth_message)
    }
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(HMAC_SHA256, key);
    hmac::sign(&key, message).as_ref().to_vec()
}
