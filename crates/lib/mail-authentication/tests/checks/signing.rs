//! Keys, and messages that are signed with them.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256, SigningKey};
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dkim::{Canonicalization, DkimSigner};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// RFC 8463 Appendix A.
const ED25519_SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
pub(crate) const ED25519_PUBLIC: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

struct Rsa {
    private: Vec<u8>,
    public: String,
}

/// One for all tests: making it takes its time.
static RSA: LazyLock<Rsa> = LazyLock::new(|| {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
    Rsa {
        private: private.as_ref().to_vec(),
        public: STANDARD.encode(public.as_ref()),
    }
});

pub(crate) fn rsa() -> RsaKey<Sha256> {
    let der = PrivatePkcs8KeyDer::from(RSA.private.as_slice());
    RsaKey::from_key_der(PrivateKeyDer::Pkcs8(der)).unwrap()
}

pub(crate) fn ed25519() -> Ed25519Key {
    let seed = STANDARD.decode(ED25519_SEED).unwrap();
    let public = STANDARD.decode(ED25519_PUBLIC).unwrap();
    Ed25519Key::from_seed_and_public_key(&seed, &public).unwrap()
}

/// The records of both keys of a domain, selectors `rsa` and `ed`.
pub(crate) fn keys(domain: &str) -> String {
    let (first, second) = RSA.public.split_at(200);
    format!(
        "rsa._domainkey.{domain} TXT \"v=DKIM1; k=rsa; p={first}\" \"{second}\"\n\
         ed._domainkey.{domain} TXT \"v=DKIM1; k=ed25519; p={ED25519_PUBLIC}\"\n"
    )
}

/// How to sign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(crate) header: Canonicalization,
    pub(crate) body: Canonicalization,
    /// Whether the signature names how much of the text it covers.
    pub(crate) length: bool,
}

pub(crate) const RELAXED: How = How {
    header: Canonicalization::Relaxed,
    body: Canonicalization::Relaxed,
    length: false,
};

/// The message with a signature of `domain` in front.
pub(crate) fn signed_by(
    key: impl SigningKey,
    selector: &str,
    domain: &str,
    how: How,
    message: &[u8],
) -> Vec<u8> {
    signed_over(
        &["From", "To", "Subject"],
        key,
        selector,
        domain,
        how,
        message,
    )
}

/// The same, over these fields.
pub(crate) fn signed_over(
    fields: &[&str],
    key: impl SigningKey,
    selector: &str,
    domain: &str,
    how: How,
    message: &[u8],
) -> Vec<u8> {
    let signature = DkimSigner::from_key(key)
        .domain(domain)
        .selector(selector)
        .headers(fields.iter().copied())
        .header_canonicalization(how.header)
        .body_canonicalization(how.body)
        .body_length(how.length)
        .sign(message)
        .unwrap();
    [signature.to_header().as_bytes(), message].concat()
}

pub(crate) fn signed(domain: &str, message: &[u8]) -> Vec<u8> {
    signed_by(ed25519(), "ed", domain, RELAXED, message)
}
