use mail_auth::dkim::Canonicalization::{Relaxed, Simple};
use mail_authentication::{Method, Methods};

use crate::bench::{Bench, told};
use crate::signing::{self, ED25519_PUBLIC, How, RELAXED, signed, signed_by, signed_over};

const DKIM: Methods = Methods {
    iprev: false,
    spf: false,
    dkim: true,
    dmarc: false,
    arc: false,
};

const MESSAGE: &[u8] =
    b"From: a@client.test\r\nTo: bob@example.test\r\nSubject: hi\r\n\r\nSome  text\r\n\r\n";

async fn results(zone: &str, message: &[u8]) -> Vec<String> {
    let bench = Bench::start(zone).await;
    told(&bench.message(DKIM, message).await, Method::Dkim)
}

#[tokio::test]
async fn both_signatures_of_rfc_8463_hold() {
    let zone = format!(
        "brisbane._domainkey.football.example.com TXT \"v=DKIM1; k=ed25519; p={ED25519_PUBLIC}\"\n\
         test._domainkey.football.example.com TXT \"v=DKIM1; k=rsa; p=\
         MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\
         Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+\" \"yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9P\
         zoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\""
    );
    let message = include_str!("rfc8463.eml").replace('\n', "\r\n");
    assert_eq!(
        results(&zone, message.as_bytes()).await,
        ["pass football.example.com", "pass football.example.com"]
    );
    let changed = message.replace("hungry", "thirsty");
    assert_eq!(
        results(&zone, changed.as_bytes()).await,
        ["fail football.example.com", "fail football.example.com"]
    );
    let changed = message.replace("ready", "burnt");
    assert_eq!(
        results(&zone, changed.as_bytes()).await,
        ["fail football.example.com", "fail football.example.com"]
    );
}

#[tokio::test]
async fn signatures_of_every_kind_hold() {
    let zone = signing::keys("client.test");
    for header in [Simple, Relaxed] {
        for body in [Simple, Relaxed] {
            let how = How {
                header,
                body,
                length: false,
            };
            let rsa = signed_by(signing::rsa(), "rsa", "client.test", how, MESSAGE);
            let both = signed_by(signing::ed25519(), "ed", "client.test", how, &rsa);
            let found = results(&zone, &both).await;
            assert_eq!(found, ["pass client.test", "pass client.test"], "{how:?}");
        }
    }
}

#[tokio::test]
async fn a_message_without_a_text_is_verified() {
    let zone = signing::keys("client.test");
    for header in ["From: a@client.test\r\n\r\n", "From: a@client.test\r\n"] {
        for body in [Simple, Relaxed] {
            let how = How { body, ..RELAXED };
            let message = signed_by(
                signing::ed25519(),
                "ed",
                "client.test",
                how,
                header.as_bytes(),
            );
            assert_eq!(
                results(&zone, &message).await,
                ["pass client.test"],
                "{how:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_proves_nothing_is_named() {
    let zone = format!(
        "{}revoked._domainkey.client.test TXT \"v=DKIM1; k=ed25519; p=\"\n\
         other._domainkey.client.test TXT \"something else\"\n\
         broken._domainkey.client.test SERVFAIL",
        signing::keys("client.test")
    );
    let by = |selector, domain| signed_by(signing::ed25519(), selector, domain, RELAXED, MESSAGE);
    let length = How {
        length: true,
        ..RELAXED
    };
    let sha1 = String::from_utf8(by("ed", "client.test")).unwrap();
    let sha1 = sha1.replace("ed25519-sha256", "rsa-sha1");
    let rows = [
        (MESSAGE.to_vec(), "none"),
        (by("missing", "client.test"), "permerror client.test"),
        (by("revoked", "client.test"), "permerror client.test"),
        (by("other", "client.test"), "permerror client.test"),
        (by("broken", "client.test"), "temperror client.test"),
        (by("ed", "other.test"), "permerror other.test"),
        // An RSA key, and a signature of another kind.
        (by("rsa", "client.test"), "fail client.test"),
        (
            signed_by(signing::ed25519(), "ed", "client.test", length, MESSAGE),
            "policy",
        ),
        (sha1.into_bytes(), "policy"),
        (
            signed_over(
                &["Subject"],
                signing::ed25519(),
                "ed",
                "client.test",
                RELAXED,
                MESSAGE,
            ),
            "policy",
        ),
        (
            [
                b"DKIM-Signature: v=1; a=rsa-sha256; d=client.test\r\n",
                MESSAGE,
            ]
            .concat(),
            "neutral",
        ),
        ([b"DKIM-Signature: v=7\r\n", MESSAGE].concat(), "neutral"),
        (b"\r\nno field at all".to_vec(), "none"),
    ];
    for (message, expected) in rows {
        let found = results(&zone, &message).await;
        assert_eq!(found, [expected], "{}", String::from_utf8_lossy(&message));
    }
}

#[tokio::test]
async fn one_signature_that_holds_is_enough_and_is_told_first() {
    let zone = signing::keys("client.test");
    let message = signed("client.test", MESSAGE);
    let message = signed_by(
        signing::ed25519(),
        "missing",
        "client.test",
        RELAXED,
        &message,
    );
    let bench = Bench::start(&zone).await;
    let findings = bench.message(DKIM, &message).await;
    let told = told(&findings, Method::Dkim);
    assert_eq!(told, ["pass client.test", "permerror client.test"]);
    let best = findings.facts().dkim.unwrap();
    assert_eq!(best.result.as_str(), "pass");
}

#[tokio::test]
async fn a_thousand_signatures_cost_ten_look_ups() {
    let zone = signing::keys("client.test");
    let signature = signed("client.test", MESSAGE);
    let signature = &signature[..signature.len() - MESSAGE.len()];
    let mut message = signature.repeat(100_000 / signature.len());
    message.extend_from_slice(MESSAGE);
    assert_eq!(results(&zone, &message).await.len(), 10);
    let mut message = b"DKIM-Signature: v=7\r\n".repeat(4000);
    message.extend_from_slice(MESSAGE);
    assert!(results(&zone, &message).await.len() <= 12);
}

/// Each name is compared with all others before it: of a whole header section's those are seconds.
#[tokio::test]
async fn a_signature_that_names_fields_without_end_is_not_verified() {
    let zone = signing::keys("client.test");
    for (names, expected) in [(100, "pass client.test"), (1000, "policy")] {
        let names: Vec<String> = (0..names).map(|n| format!("X-{n}")).collect();
        let fields = names.iter().map(String::as_str);
        let fields: Vec<&str> = ["From"].into_iter().chain(fields).collect();
        let key = signing::ed25519();
        let message = signed_over(&fields, key, "ed", "client.test", RELAXED, MESSAGE);
        assert_eq!(results(&zone, &message).await, [expected]);
    }
}
