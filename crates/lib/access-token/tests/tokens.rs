//! Tokens of an issuer of our own, good ones and those that others would like to pass off.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use access_token::{Expected, Keys, KeysError, LONGEST, Refusal};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use test_kit::TestIssuer;

const NOW: i64 = 1_800_000_000;

fn encoded(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

fn signed(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        encoded(header.to_string()),
        encoded(claims.to_string())
    )
}

fn set(keys: &[Value]) -> Keys {
    Keys::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn expected() -> Expected {
    Expected {
        issuer: "https://id.example.test".to_owned(),
        audience: "mail".to_owned(),
        login_claim: "email".to_owned(),
        email_is_verified: false,
        scope: None,
    }
}

fn claims() -> Value {
    json!({"iss": "https://id.example.test", "aud": "mail", "exp": NOW + 300, "nbf": NOW - 300,
           "sub": "4711", "email": "bob@example.test", "email_verified": true, "scope": "openid mail"})
}

/// The usual claims with one of them changed, or taken out by null.
fn but(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

#[test]
fn every_algorithm_is_verified_by_keys_of_its_kind() {
    let issuer = TestIssuer::new();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let edwards = Ed25519KeyPair::generate().unwrap();
    // RFC 8017 appendix A.1.1: two integers, of which these are the octets.
    let (n, e) = (&rsa.public_key().as_ref()[9..265], [1, 0, 1]);
    let keys = set(&[
        json!({"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}),
        json!({"kty": "RSA", "kid": "enc", "use": "enc", "n": encoded(n), "e": encoded(e)}),
        json!({"kty": "RSA", "kid": "rsa", "n": encoded(n), "e": encoded(e)}),
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": encoded(edwards.public_key())}),
        issuer.jwk(),
    ]);
    assert_eq!(
        format!("{keys:?}"),
        r#"[Some("rsa"), Some("ed"), Some("p256")]"#
    );
    let check = |token: &str| expected().check(token, &keys, NOW);
    let bob = Ok("bob@example.test".to_owned());
    assert_eq!(check(&issuer.token(&claims())), bob);

    let rsa_token = |alg: &str, kid: &str, scheme| {
        let signed = signed(&json!({"alg": alg, "kid": kid}), &claims());
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(
            scheme,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .unwrap();
        format!("{signed}.{}", encoded(signature))
    };
    assert_eq!(check(&rsa_token("RS256", "rsa", &RSA_PKCS1_SHA256)), bob);
    assert_eq!(check(&rsa_token("PS256", "rsa", &RSA_PSS_SHA256)), bob);
    let mixed = rsa_token("PS256", "rsa", &RSA_PKCS1_SHA256);
    assert_eq!(check(&mixed), Err(Refusal::Signature));
    // A key for encryption signs nothing, and a key has one kind.
    for (alg, kid) in [("RS256", "enc"), ("ES256", "rsa"), ("EdDSA", "rsa")] {
        let token = rsa_token(alg, kid, &RSA_PKCS1_SHA256);
        assert_eq!(check(&token), Err(Refusal::UnknownKey), "{alg} {kid}");
    }

    let signed = signed(&json!({"alg": "EdDSA", "kid": "ed"}), &claims());
    let signature = edwards.sign(signed.as_bytes());
    assert_eq!(check(&format!("{signed}.{}", encoded(signature))), bob);
}

#[test]
fn keys_are_read_as_pem_too() {
    let issuer = TestIssuer::new();
    let pem = |der: &[u8]| {
        let text = STANDARD.encode(der);
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    };
    let p256 = issuer.key().public_key().as_der().unwrap();
    let edwards = Ed25519KeyPair::generate().unwrap();
    let edwards = edwards.public_key().as_der().unwrap();
    let text = pem(edwards.as_ref()) + &pem(p256.as_ref());
    let keys = Keys::read(text.as_bytes()).unwrap();
    // They have no names: any of its kind may have signed.
    assert!(
        expected()
            .check(&issuer.token(&claims()), &keys, NOW)
            .is_ok()
    );
    let other = TestIssuer::new().token(&claims());
    assert_eq!(
        expected().check(&other, &keys, NOW),
        Err(Refusal::Signature)
    );
}

#[test]
fn a_file_without_a_key_is_none() {
    for text in [
        "",
        "half a fi",
        r#"{"keys": []}"#,
        r#"{"keys": [{"kty": "oct", "k": "eA"}]}"#,
        r#"{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}"#,
        r#"{"keys": [{"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}]}"#,
        r#"{"keys": [{"kty": "RSA", "n": "", "e": "AQAB"}]}"#,
    ] {
        let error = Keys::read(text.as_bytes());
        assert!(matches!(error, Err(KeysError::Empty)), "{text}");
    }
    for text in [
        "{",
        "{}",
        r#"{"keys": [{}]}"#,
        "-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----\n",
    ] {
        let error = Keys::read(text.as_bytes());
        assert!(matches!(error, Err(KeysError::Format(_))), "{text}");
    }
}

#[test]
fn claims_decide_whether_it_is_for_us_now() {
    let issuer = TestIssuer::new();
    let keys = set(&[issuer.jwk()]);
    let good = [
        claims(),
        but("aud", json!(["other", "mail"])),
        but("nbf", Value::Null),
        but("exp", json!(NOW - 29)),
        but("exp", json!(NOW as f64 + 0.5)),
        but("nbf", json!(NOW + 30)),
        but("email_verified", json!("true")),
    ];
    for claims in good {
        let checked = expected().check(&issuer.token(&claims), &keys, NOW);
        assert_eq!(checked, Ok("bob@example.test".to_owned()), "{claims}");
    }
    let none = || Refusal::NoLogin("email".to_owned());
    let rows = [
        ("iss", json!("https://id.example.test/"), Refusal::Issuer),
        ("iss", Value::Null, Refusal::Issuer),
        ("iss", json!(["https://id.example.test"]), Refusal::Issuer),
        ("aud", json!("mailbox"), Refusal::Audience),
        ("aud", json!("other mail"), Refusal::Audience),
        ("aud", json!(["other"]), Refusal::Audience),
        ("aud", Value::Null, Refusal::Audience),
        ("exp", json!(NOW - 30), Refusal::Expired),
        ("exp", json!(0), Refusal::Expired),
        ("exp", Value::Null, Refusal::NeverExpires),
        ("exp", json!("2030"), Refusal::Malformed),
        ("nbf", json!(NOW + 31), Refusal::NotYetValid),
        ("nbf", json!(true), Refusal::Malformed),
        ("email", Value::Null, none()),
        ("email", json!(""), none()),
        ("email", json!(["bob@example.test"]), none()),
        ("email", json!("bob@example.test\0"), none()),
        ("email", json!("bob@example.test eve"), none()),
        ("email_verified", Value::Null, Refusal::NotVerified),
        ("email_verified", json!(1), Refusal::NotVerified),
        ("email_verified", json!(["true"]), Refusal::NotVerified),
        ("email_verified", json!(false), Refusal::NotVerified),
        ("email_verified", json!("false"), Refusal::NotVerified),
    ];
    for (name, value, refusal) in rows {
        let claims = but(name, value);
        let checked = expected().check(&issuer.token(&claims), &keys, NOW);
        assert_eq!(checked, Err(refusal), "{claims}");
    }
}

#[test]
fn an_issuer_can_be_known_to_verify_addresses_but_what_it_denies_is_denied() {
    let issuer = TestIssuer::new();
    let keys = set(&[issuer.jwk()]);
    let expected = Expected {
        email_is_verified: true,
        ..expected()
    };
    let check = |claims: &Value| expected.check(&issuer.token(claims), &keys, NOW);
    assert!(check(&but("email_verified", Value::Null)).is_ok());
    assert!(check(&claims()).is_ok());
    for denied in [json!(false), json!("false"), json!(0), json!({})] {
        let checked = check(&but("email_verified", denied));
        assert_eq!(checked, Err(Refusal::NotVerified));
    }
    let mut null = claims();
    null["email_verified"] = Value::Null;
    assert_eq!(check(&null), Err(Refusal::NotVerified));
}

#[test]
fn a_scope_and_another_claim_can_be_asked_for() {
    let issuer = TestIssuer::new();
    let keys = set(&[issuer.jwk()]);
    let expected = |scope: &str| Expected {
        scope: Some(scope.to_owned()),
        login_claim: "upn".to_owned(),
        ..expected()
    };
    let mut claims = but("upn", json!("bob@example.test"));
    claims["email_verified"] = json!(false); // Not of this claim.
    let check = |claims: &Value, scope| expected(scope).check(&issuer.token(claims), &keys, NOW);
    assert!(check(&claims, "mail").is_ok());
    assert_eq!(check(&claims, "mai"), Err(Refusal::Scope));
    assert_eq!(check(&claims, "openid mail"), Err(Refusal::Scope));
    claims.as_object_mut().unwrap().remove("scope");
    assert_eq!(check(&claims, "mail"), Err(Refusal::Scope));
    claims["scp"] = json!(["mail"]);
    assert!(check(&claims, "mail").is_ok());
    claims["upn"] = Value::Null;
    assert_eq!(
        check(&claims, "mail"),
        Err(Refusal::NoLogin("upn".to_owned()))
    );
}

/// RFC 8725 §2: what has been tried elsewhere.
#[test]
fn nobody_but_the_issuer_can_make_one() {
    let issuer = TestIssuer::new();
    let keys = set(&[issuer.jwk()]);
    let check = |token: &str| expected().check(token, &keys, NOW);
    let none = json!({"alg": "none", "kid": "p256"});
    for alg in ["none", "None", "nONE", "HS256", "es256", "ES256K", ""] {
        let header = json!({"alg": alg, "kid": "p256"});
        let refusal = Err(Refusal::Algorithm(alg.to_owned()));
        assert_eq!(check(&issuer.token_with(&header, &claims())), refusal);
        assert_eq!(check(&format!("{}.", signed(&header, &claims()))), refusal);
    }
    assert_eq!(check(&signed(&none, &claims())), Err(Refusal::Malformed));

    // HS256 with what everybody knows as the secret.
    let public = issuer.key().public_key().as_ref();
    let der = issuer.key().public_key().as_der().unwrap();
    for secret in [public, der.as_ref(), b""] {
        let signed = signed(&json!({"alg": "HS256"}), &claims());
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let token = format!("{signed}.{}", encoded(hmac::sign(&key, signed.as_bytes())));
        let refusal = Refusal::Algorithm("HS256".to_owned());
        assert_eq!(check(&token), Err(refusal));
    }

    // Somebody else's key, by the same name, by another, and brought along.
    let eve = TestIssuer::new();
    assert_eq!(check(&eve.token(&claims())), Err(Refusal::Signature));
    let other = json!({"alg": "ES256", "kid": "eve"});
    assert_eq!(
        check(&eve.token_with(&other, &claims())),
        Err(Refusal::UnknownKey)
    );
    assert_eq!(
        check(&issuer.token_with(&other, &claims())),
        Err(Refusal::UnknownKey)
    );
    let brought = json!({"alg": "ES256", "jwk": eve.jwk(), "jku": "https://evil.test/keys"});
    assert_eq!(
        check(&eve.token_with(&brought, &claims())),
        Err(Refusal::Signature)
    );
    for critical in [json!(["b64"]), json!([]), json!(null)] {
        let header = json!({"alg": "ES256", "kid": "p256", "crit": critical, "b64": false});
        let checked = check(&issuer.token_with(&header, &claims()));
        assert_eq!(checked, Err(Refusal::Critical), "{header}");
    }

    // One octet of another.
    let token = issuer.token(&claims());
    let (signed_part, signature) = token.rsplit_once('.').unwrap();
    let changed = signed(
        &json!({"alg": "ES256", "kid": "p256", "typ": "at+jwt"}),
        &but("email", json!("eve@example.test")),
    );
    assert_ne!(changed, signed_part);
    assert_eq!(
        check(&format!("{changed}.{signature}")),
        Err(Refusal::Signature)
    );
    let zeros = encoded([0; 64]);
    assert_eq!(
        check(&format!("{signed_part}.{zeros}")),
        Err(Refusal::Signature)
    );
    let hashed = encoded(digest::digest(&digest::SHA256, signed_part.as_bytes()));
    assert_eq!(
        check(&format!("{signed_part}.{hashed}")),
        Err(Refusal::Signature)
    );
    assert_eq!(check(&format!("{signed_part}.")), Err(Refusal::Signature));
}

#[test]
fn what_is_no_token_is_refused_however_it_is_broken() {
    let issuer = TestIssuer::new();
    let keys = set(&[issuer.jwk()]);
    let token = issuer.token(&claims());
    let check = |token: &str| expected().check(token, &keys, NOW);
    let signed_list = format!("{}.{}", encoded(r#"{"alg":"ES256"}"#), encoded("[]"));
    let list = format!(
        "{signed_list}.{}",
        encoded(issuer.sign(signed_list.as_bytes()))
    );
    for broken in [
        "".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "opaque-token".to_owned(),
        format!("{token}.x"),
        format!("{token}="),
        format!("{token}\0"),
        token.replace('.', ".\0"),
        token.replacen('.', "", 1),
        format!("{}.e30.", encoded("[]")),
        format!("{}.e30.", encoded(r#"{"kid":"p256"}"#)),
        format!("{}.e30.", encoded(r#"{"alg":["ES256"]}"#)),
        list,
    ] {
        assert_eq!(check(&broken), Err(Refusal::Malformed), "{broken:?}");
    }
    let deep = "[".repeat(4000);
    assert_eq!(
        check(&format!("{}.e30.", encoded(deep))),
        Err(Refusal::Malformed)
    );
    let long = issuer.token(&but("note", json!("x".repeat(LONGEST))));
    assert_eq!(check(&long), Err(Refusal::TooLong));
    for length in 0..token.len() {
        assert!(check(&token[..length]).is_err(), "{length}");
    }
}
