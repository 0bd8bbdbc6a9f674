//! Tokens. Input that begins with `!` is an arbitrary token: none is accepted. Other input is a header line
//! and claims, which the issuer signs: the token is accepted if a second, simpler implementation accepts
//! the claims, and never with one octet changed.
#![no_main]

use std::sync::LazyLock;

use access_token::{Expected, Keys, LONGEST, Refusal};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let x = URL_SAFE_NO_PAD.encode(KEY.public_key());
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": x});
    Keys::read(json!({ "keys": [key] }).to_string().as_bytes()).unwrap()
});

static EXPECTED: LazyLock<Expected> = LazyLock::new(|| Expected {
    issuer: "i".to_owned(),
    audience: "mail".to_owned(),
    login_claim: "email".to_owned(),
    email_is_verified: false,
    scope: Some("smtp".to_owned()),
});

fuzz_target!(|text: &str| {
    if let Some(token) = text.strip_prefix('!') {
        assert!(EXPECTED.check(token, &KEYS, NOW).is_err());
        return;
    }
    let (header, claims) = text.split_once('\n').unwrap_or(("", text));
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = URL_SAFE_NO_PAD.encode(KEY.sign(signed.as_bytes()));
    let token = format!("{signed}.{signature}");
    let checked = EXPECTED.check(&token, &KEYS, NOW);
    match &checked {
        Ok(login) => assert!(
            token.len() <= LONGEST && is_good(header, claims, login),
            "{login:?}"
        ),
        Err(Refusal::Signature) => panic!("it is the issuer's"),
        // The text is logged.
        Err(refusal) => assert!(!refusal.to_string().contains(char::is_control)),
    }
    if checked.is_ok() {
        let mut changed = token.into_bytes();
        let last = changed.len() - 1;
        let place = claims.len() % last;
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(EXPECTED.check(&changed, &KEYS, NOW).is_err(), "{changed}");
    }
});

fn is_good(header: &str, claims: &str, login: &str) -> bool {
    let header: Value = serde_json::from_str(header).unwrap();
    let claims: Value = serde_json::from_str(claims).unwrap();
    let has = |value: &Value, word: &str| match value {
        Value::String(text) => text == word,
        Value::Array(texts) => texts.iter().any(|text| text == word),
        _ => false,
    };
    let scope = claims.get("scope").unwrap_or(&claims["scp"]);
    let scoped = match scope {
        Value::String(text) => text.split(' ').any(|text| text == "smtp"),
        scope => has(scope, "smtp"),
    };
    let verified = &claims["email_verified"];
    header["alg"] == "EdDSA"
        && header.get("crit").is_none()
        && claims["iss"] == "i"
        && has(&claims["aud"], "mail")
        && claims["exp"].as_f64().unwrap() > (NOW - 30) as f64
        && claims["nbf"]
            .as_f64()
            .is_none_or(|begins| begins <= (NOW + 30) as f64)
        && scoped
        && claims["email"] == login
        && (*verified == true || verified == "true")
        && !login.is_empty()
        && !login.contains(|c: char| c.is_control() || c.is_whitespace())
}
