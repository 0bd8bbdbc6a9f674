//! What is remembered of the DNS is not what a stranger wants it to be.

use mail_authentication::Method;
use rules::DmarcRequest;

use crate::bench::{ALL, Bench, session, told};

/// Whoever is at 192.0.2.66 wants to forge bank.test, and makes others look at its records in
/// ways in which they are not meant.
const ZONE: &str = r#"
test SOA ns.test. root.test. 1 3600 600 86400 3600
bank.test TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.bank.test TXT "v=DMARC1; p=reject"
include.evil.test TXT "v=spf1 include:_dmarc.bank.test -all"
redirect.evil.test TXT "v=spf1 redirect=_dmarc.bank.test"
explain.evil.test TXT "v=spf1 exp=bank.test -all"
dmarc.explain.evil.test TXT "v=spf1 exp=_dmarc.bank.test -all"
exists.evil.test TXT "v=spf1 exists:_dmarc.bank.test exists:bank.test mx:bank.test -all"
"#;

fn message(header: &str) -> Vec<u8> {
    format!("From: a@bank.test\r\n{header}\r\ntext\r\n").into_bytes()
}

async fn is_seen_through(bench: &Bench) {
    let session = session("192.0.2.66", "include.evil.test", "a@bank.test");
    let found = bench.check(ALL, session, &message(""), 9).await;
    assert_eq!(told(&found, Method::Spf), ["fail bank.test"]);
    assert_eq!(told(&found, Method::Dmarc), ["fail bank.test"]);
    assert_eq!(found.dmarc_request, DmarcRequest::Reject);
}

#[tokio::test]
async fn a_domain_cannot_be_made_to_look_unprotected() {
    for sender in [
        "a@include.evil.test",
        "a@redirect.evil.test",
        "a@explain.evil.test",
        "a@dmarc.explain.evil.test",
        "a@exists.evil.test",
    ] {
        let bench = Bench::start(ZONE).await;
        let helo = sender.trim_start_matches("a@");
        for _ in 0..2 {
            let session = session("192.0.2.66", helo, sender);
            // A key is asked for where the policy is, and where the record of SPF is.
            let signature = "DKIM-Signature: v=1; a=rsa-sha256; d=bank.test; s=x; h=from; \
                bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n";
            bench.check(ALL, session, &message(signature), 9).await;
            is_seen_through(&bench).await;
        }
    }
}

#[tokio::test]
async fn what_is_remembered_is_told_as_before() {
    let bench = Bench::start(ZONE).await;
    for _ in 0..3 {
        is_seen_through(&bench).await;
        let session = session("192.0.2.1", "nobody.test", "a@bank.test");
        let found = bench.check(ALL, session, &message(""), 9).await;
        assert_eq!(told(&found, Method::SpfHelo), ["none nobody.test"]);
        assert_eq!(told(&found, Method::Spf), ["pass bank.test"]);
        assert_eq!(told(&found, Method::Dmarc), ["pass bank.test"]);
        assert_eq!(told(&found, Method::Iprev), ["permerror 192.0.2.1"]);
    }
}
