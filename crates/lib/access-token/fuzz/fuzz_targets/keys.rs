//! The issuer's keys from arbitrary files: parsing is deterministic, and no set of other keys accepts a
//! token that none of them has signed.
#![no_main]

use std::sync::LazyLock;

use access_token::{Expected, Keys, Refusal};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;

const NOW: i64 = 1_800_000_000;

/// Valid except that no test key has signed it; without a key name, so that every key is tried.
static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let key = Ed25519KeyPair::generate().unwrap();
    let claims = r#"{"iss":"i","aud":"mail","exp":1900000000,"email":"bob@example.test","email_verified":true}"#;
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
});

static EXPECTED: LazyLock<Expected> = LazyLock::new(|| Expected {
    issuer: "i".to_owned(),
    audience: "mail".to_owned(),
    login_claim: "email".to_owned(),
    email_is_verified: false,
    scope: None,
});

fuzz_target!(|octets: &[u8]| {
    let keys = match Keys::read(octets) {
        Ok(keys) => keys,
        Err(error) => {
            // One line for the log.
            assert!(!error.to_string().contains('\n'), "{error}");
            return;
        }
    };
    let again = Keys::read(octets).unwrap();
    assert_eq!(format!("{keys:?}"), format!("{again:?}"));
    assert_ne!(format!("{keys:?}"), "[]");
    let checked = EXPECTED.check(&TOKEN, &keys, NOW);
    assert!(
        matches!(checked, Err(Refusal::Signature | Refusal::UnknownKey)),
        "{checked:?}"
    );
});
