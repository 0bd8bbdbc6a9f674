use std::time::Duration;

use mail_authentication::{Method, Methods, SenderFindings};

use crate::bench::{Bench, session, told};

const SENDER: Methods = Methods {
    iprev: true,
    spf: true,
    dkim: false,
    dmarc: false,
    arc: false,
};

const ZONE: &str = r#"
client.test TXT "v=spf1 ip4:192.0.2.0/28 ip6:2001:db8::/64 -all"
mx.client.test TXT "v=spf1 a -all"
mx.client.test A 192.0.2.1
soft.test TXT "v=spf1 mx ~all"
soft.test MX 10 mx.client.test
neutral.test TXT "v=spf1 ?all"
included.test TXT "v=spf1 include:client.test -all"
redirected.test TXT "v=spf1 redirect=client.test"
wrong.test TXT "v=spf1 ip4:not-an-address -all"
wrong.test TXT "other text"
two.test TXT "v=spf1 +all"
two.test TXT "v=spf1 -all"
later.test TXT "v=spf10 -all"
broken.test SERVFAIL
brokenmx.test TXT "v=spf1 mx:broken.test -all"
loop.test TXT "v=spf1 include:loop.test -all"
macro.test TXT "v=spf1 exists:%{ir}.%{l}.spf.macro.test -all"
1.2.0.192.alice.spf.macro.test A 127.0.0.2
nothing.test TXT "some text"
1.2.0.192.in-addr.arpa PTR mx.client.test
2.2.0.192.in-addr.arpa PTR mx.client.test
3.2.0.192.in-addr.arpa SERVFAIL
"#;

#[tokio::test]
async fn spf_says_who_may_send_for_a_domain() {
    let bench = Bench::start(ZONE).await;
    let rows = [
        // peer, HELO, MAIL FROM: of HELO, of MAIL FROM
        (
            "192.0.2.1",
            "mx.client.test",
            "a@client.test",
            "pass",
            "pass client.test",
        ),
        (
            "::ffff:192.0.2.1",
            "mx.client.test",
            "a@client.test",
            "pass",
            "pass client.test",
        ),
        (
            "2001:db8::7",
            "mx.client.test",
            "a@client.test",
            "fail",
            "pass client.test",
        ),
        (
            "192.0.2.99",
            "mx.client.test",
            "a@client.test",
            "fail",
            "fail client.test",
        ),
        (
            "192.0.2.99",
            "mx.client.test",
            "a@CLIENT.test",
            "fail",
            "fail client.test",
        ),
        ("192.0.2.1", "x", "a@soft.test", "none", "pass soft.test"),
        (
            "192.0.2.99",
            "[192.0.2.99]",
            "a@soft.test",
            "none",
            "softfail soft.test",
        ),
        (
            "192.0.2.99",
            "missing.test",
            "a@neutral.test",
            "none",
            "neutral neutral.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@included.test",
            "none",
            "pass included.test",
        ),
        (
            "192.0.2.99",
            "nothing.test",
            "a@included.test",
            "none",
            "fail included.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@redirected.test",
            "none",
            "pass redirected.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@nothing.test",
            "none",
            "none nothing.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@missing.test",
            "none",
            "none missing.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@[192.0.2.1]",
            "none",
            "none [192.0.2.1]",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@wrong.test",
            "none",
            "permerror wrong.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@two.test",
            "none",
            "permerror two.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@later.test",
            "none",
            "none later.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@loop.test",
            "none",
            "permerror loop.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@broken.test",
            "none",
            "temperror broken.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "a@brokenmx.test",
            "none",
            "temperror brokenmx.test",
        ),
        (
            "192.0.2.1",
            "broken.test",
            "a@client.test",
            "temperror",
            "pass client.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "alice@macro.test",
            "none",
            "pass macro.test",
        ),
        (
            "192.0.2.1",
            "nothing.test",
            "bob@macro.test",
            "none",
            "fail macro.test",
        ),
    ];
    for (peer, helo, from, of_helo, of_sender) in rows {
        let found = bench.check(SENDER, session(peer, helo, from), b"", 1).await;
        let row = format!("{peer} {helo} {from}");
        assert_eq!(
            told(&found, Method::SpfHelo),
            [format!("{of_helo} {helo}")],
            "{row}"
        );
        assert_eq!(told(&found, Method::Spf), [of_sender], "{row}");
    }
}

#[tokio::test]
async fn of_a_null_reverse_path_helo_is_the_sender() {
    let bench = Bench::start(ZONE).await;
    for (peer, result) in [("192.0.2.1", "pass"), ("192.0.2.99", "fail")] {
        let found = bench
            .check(SENDER, session(peer, "mx.client.test", ""), b"", 1)
            .await;
        assert!(told(&found, Method::SpfHelo).is_empty());
        let expected = format!("{result} mx.client.test");
        assert_eq!(told(&found, Method::Spf), [expected]);
        let field = found.header_field("mail.example.test");
        assert!(field.contains("smtp.helo=mx.client.test"), "{field}");
    }
}

#[tokio::test]
async fn a_peer_has_a_name_that_has_its_address() {
    let bench = Bench::start(ZONE).await;
    let rows = [
        ("192.0.2.1", "pass"),
        ("::ffff:192.0.2.1", "pass"),
        ("192.0.2.2", "fail"),
        ("192.0.2.3", "temperror"),
        ("192.0.2.4", "permerror"),
    ];
    for (peer, expected) in rows {
        let found = bench.check(SENDER, session(peer, "x", ""), b"", 1).await;
        let found = found.facts().iprev.unwrap().result;
        assert_eq!(found.as_str(), expected, "{peer}");
    }
}

#[tokio::test]
async fn a_dns_that_is_silent_makes_a_temperror_in_the_time_given() {
    let zone = "slow.test SILENCE\n1.2.0.192.in-addr.arpa SILENCE";
    let bench = Bench::impatient(zone, Duration::from_millis(200)).await;
    let session = session("192.0.2.1", "slow.test", "a@slow.test");
    let found = bench.check(SENDER, session.clone(), b"", 1).await;
    let results: Vec<_> = found
        .results
        .iter()
        .map(|one| one.result.as_str())
        .collect();
    assert_eq!(results, ["temperror", "temperror", "temperror"]);
    let unknown = bench
        .authenticator
        .finish(SENDER, None, SenderFindings::unknown(SENDER, &session))
        .await;
    assert_eq!(unknown, found);
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_looked_up() {
    let bench = Bench::start("").await;
    let session = session("192.0.2.1", "client.test", "a@client.test");
    let found = bench
        .check(Methods::default(), session, b"From: a@b\r\n\r\n", 1)
        .await;
    assert!(found.results.is_empty());
}
