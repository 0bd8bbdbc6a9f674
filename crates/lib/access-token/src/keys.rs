//! The issuer's public keys: a JWKS (RFC 7517), or public keys as PEM.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;

use crate::Refusal;
use crate::compact::Compact;

/// The algorithms for each kind of key (RFC 7518 §3.1, RFC 8037 §3.1).
const RSA: [Algorithm; 2] = [
    ("RS256", &RSA_PKCS1_2048_8192_SHA256),
    ("PS256", &RSA_PSS_2048_8192_SHA256),
];
const P256: [Algorithm; 1] = [("ES256", &ECDSA_P256_SHA256_FIXED)];
const EDWARDS: [Algorithm; 1] = [("EdDSA", &ED25519)];

type Algorithm = (&'static str, &'static dyn VerificationAlgorithm);

/// The keys of a file that can verify tokens.
pub struct Keys(Vec<Key>);

struct Key {
    id: Option<String>,
    /// Only the algorithms of its own kind.
    by: Vec<(&'static str, ParsedPublicKey)>,
}

/// The reason why a file is no key set.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Neither JWKS nor PEM.
    #[error("neither a JWKS nor public keys as PEM: {0}")]
    Format(String),
    /// It contains no usable key.
    #[error("holds no RSA, P-256 or Ed25519 public key for signatures")]
    Empty,
}

#[derive(Deserialize)]
struct JsonWebKeySet {
    keys: Vec<JsonWebKey>,
}

#[derive(Deserialize)]
struct JsonWebKey {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Parses a file's text in either format. Keys of other kinds are ignored: an issuer may publish them
    /// for other purposes.
    pub fn read(text: &[u8]) -> Result<Self, KeysError> {
        let keys = match text.trim_ascii_start().starts_with(b"{") {
            true => json(text)?,
            false => pem(text)?,
        };
        if keys.is_empty() {
            return Err(KeysError::Empty);
        }
        Ok(Self(keys))
    }

    /// Whether one of the keys has signed the token.
    pub(crate) fn verify(&self, token: &Compact<'_>) -> Result<(), Refusal> {
        let algorithm = token.header.alg.as_str();
        if ![&RSA[..], &P256, &EDWARDS]
            .iter()
            .any(|kind| names(kind, algorithm))
        {
            // Shortened, since it is logged.
            return Err(Refusal::Algorithm(
                algorithm.escape_debug().take(16).collect(),
            ));
        }
        let mut refusal = Refusal::UnknownKey;
        for key in &self.0 {
            if key.id.is_some() && token.header.kid.is_some() && key.id != token.header.kid {
                continue;
            }
            let Some((_, public)) = key.by.iter().find(|(name, _)| *name == algorithm) else {
                continue;
            };
            let signed = token.signed.as_bytes();
            if public.verify_sig(signed, &token.signature).is_ok() {
                return Ok(());
            }
            refusal = Refusal::Signature;
        }
        Err(refusal)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = self.0.iter().map(|key| key.id.as_deref());
        f.debug_list().entries(ids).finish()
    }
}

fn names(kind: &[Algorithm], algorithm: &str) -> bool {
    kind.iter().any(|(name, _)| *name == algorithm)
}

fn json(text: &[u8]) -> Result<Vec<Key>, KeysError> {
    let set: JsonWebKeySet =
        serde_json::from_slice(text).map_err(|error| KeysError::Format(error.to_string()))?;
    Ok(set.keys.iter().filter_map(JsonWebKey::key).collect())
}

impl JsonWebKey {
    /// None if the key is of another kind or for another purpose.
    fn key(&self) -> Option<Key> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let (kind, public): (&[Algorithm], Vec<u8>) = match (self.kty.as_str(), self.crv.as_deref())
        {
            ("RSA", _) => (&RSA, self.rsa()?),
            ("EC", Some("P-256")) => (&P256, self.point()?),
            ("OKP", Some("Ed25519")) => (&EDWARDS, number(self.x.as_ref())?),
            _ => return None,
        };
        let mut key = parsed(kind, &public)?;
        key.id.clone_from(&self.kid);
        if let Some(only) = &self.alg {
            key.by.retain(|(name, _)| name == only);
        }
        (!key.by.is_empty()).then_some(key)
    }

    fn rsa(&self) -> Option<Vec<u8>> {
        let components = RsaPublicKeyComponents {
            n: number(self.n.as_ref())?,
            e: number(self.e.as_ref())?,
        };
        Some(components.as_der().ok()?.as_ref().to_vec())
    }

    /// SEC 1 §2.3.3: uncompressed.
    fn point(&self) -> Option<Vec<u8>> {
        let mut point = vec![4];
        for coordinate in [&self.x, &self.y] {
            let coordinate = number(coordinate.as_ref())?;
            if coordinate.len() != 32 {
                return None;
            }
            point.extend_from_slice(&coordinate);
        }
        Some(point)
    }
}

fn number(text: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}

fn pem(text: &[u8]) -> Result<Vec<Key>, KeysError> {
    let mut keys = Vec::new();
    for public in SubjectPublicKeyInfoDer::pem_slice_iter(text) {
        let public = public.map_err(|error| KeysError::Format(error.to_string()))?;
        let kinds: [&[Algorithm]; 3] = [&RSA, &P256, &EDWARDS];
        keys.extend(kinds.iter().find_map(|kind| parsed(kind, public.as_ref())));
    }
    Ok(keys)
}

/// None if the octets are no key of this kind.
fn parsed(kind: &[Algorithm], public: &[u8]) -> Option<Key> {
    let parse = |(name, algorithm): &Algorithm| {
        let key = ParsedPublicKey::new(*algorithm, public).ok()?;
        Some((*name, key))
    };
    let by: Option<Vec<_>> = kind.iter().map(parse).collect();
    Some(Key { id: None, by: by? })
}
