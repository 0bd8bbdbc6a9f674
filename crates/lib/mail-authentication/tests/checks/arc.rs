use mail_auth::arc::ArcSealer;
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::hickory_resolver::TokioResolver;
use mail_auth::{ArcOutput, AuthenticatedMessage, AuthenticationResults, MessageAuthenticator};
use mail_authentication::{Method, Methods};

use crate::bench::{Bench, told};
use crate::signing;

const ARC: Methods = Methods {
    iprev: false,
    spf: false,
    dkim: false,
    dmarc: false,
    arc: true,
};

const MESSAGE: &str =
    "From: a@client.test\r\nTo: list@lists.test\r\nSubject: hi\r\n\r\nSome text\r\n";

/// The message with one more set of `domain` in front.
fn sealed(message: &str, domain: &str, before: &ArcOutput<'_>) -> String {
    sealed_over(&["From", "To", "Subject"], message, domain, before)
}

/// The same, over these fields.
fn sealed_over(fields: &[&str], message: &str, domain: &str, before: &ArcOutput<'_>) -> String {
    let parsed = AuthenticatedMessage::parse(message.as_bytes()).unwrap();
    let results = AuthenticationResults::new(domain);
    let set = ArcSealer::from_key(signing::ed25519())
        .domain(domain)
        .selector("ed")
        .headers(fields.iter().copied())
        .seal(&parsed, &results, before)
        .unwrap();
    format!("{}{}{message}", set.to_header(), results.to_header())
}

/// Sealed by `lists.test`, and then by `forwarder.test`, which looked at the first seal.
async fn sealed_twice(resolver: TokioResolver) -> String {
    let once = sealed(MESSAGE, "lists.test", &ArcOutput::default());
    let parsed = AuthenticatedMessage::parse(once.as_bytes()).unwrap();
    let chain = MessageAuthenticator(resolver).verify_arc(&parsed).await;
    sealed(&once, "forwarder.test", &chain)
}

fn zone() -> String {
    signing::keys("lists.test") + &signing::keys("forwarder.test")
}

async fn results(zone: &str, message: &str) -> Vec<String> {
    let bench = Bench::start(zone).await;
    told(&bench.message(ARC, message.as_bytes()).await, Method::Arc)
}

#[tokio::test]
async fn a_chain_that_holds_names_who_sealed_last() {
    let once = sealed(MESSAGE, "lists.test", &ArcOutput::default());
    assert_eq!(results(&zone(), &once).await, ["pass lists.test"]);
    let bench = Bench::start(&zone()).await;
    let twice = sealed_twice(bench.resolver()).await;
    let found = bench.message(ARC, twice.as_bytes()).await;
    assert_eq!(told(&found, Method::Arc), ["pass forwarder.test"]);
}

#[tokio::test]
async fn a_chain_that_was_touched_fails() {
    let bench = Bench::start(&zone()).await;
    let twice = sealed_twice(bench.resolver()).await;
    let rows = [
        (MESSAGE.to_owned(), "none"),
        (
            twice.replace("Some text", "Other text"),
            "fail forwarder.test",
        ),
        (
            twice.replace("Subject: hi", "Subject: ho"),
            "fail forwarder.test",
        ),
        (
            twice.replacen("cv=pass", "cv=none", 1),
            "fail forwarder.test",
        ),
        (twice.replacen("ARC-Seal:", "X-ARC-Seal:", 1), "fail"),
    ];
    for (message, expected) in rows {
        let found = bench.message(ARC, message.as_bytes()).await;
        assert_eq!(told(&found, Method::Arc), [expected], "{message}");
    }
}

#[tokio::test]
async fn keys_decide() {
    let once = sealed(MESSAGE, "lists.test", &ArcOutput::default());
    assert_eq!(results("", &once).await, ["fail lists.test"]);
    let silent = "ed._domainkey.lists.test SERVFAIL";
    assert_eq!(results(silent, &once).await, ["temperror lists.test"]);
}

#[tokio::test]
async fn a_chain_that_names_fields_without_end_is_broken() {
    for (names, expected) in [(100, "pass lists.test"), (1000, "fail")] {
        let names: Vec<String> = (0..names).map(|n| format!("X-{n}")).collect();
        let fields = names.iter().map(String::as_str);
        let fields: Vec<&str> = ["From"].into_iter().chain(fields).collect();
        let once = sealed_over(&fields, MESSAGE, "lists.test", &ArcOutput::default());
        assert_eq!(results(&zone(), &once).await, [expected]);
    }
}
