use mail_authentication::Method;
use rules::DmarcRequest;

use crate::bench::{ALL, Bench, session, told};
use crate::signing::{self, signed};

const ZONE: &str = r#"
client.test TXT "v=spf1 ip4:192.0.2.1 -all"
news.client.test TXT "v=spf1 ip4:192.0.2.1 -all"
news.client.test A 192.0.2.1
isp.test TXT "v=spf1 ip4:192.0.2.1 -all"
strict.test TXT "v=spf1 ip4:192.0.2.1 -all"
mail.strict.test TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.client.test TXT "v=DMARC1; p=reject; sp=quarantine; pct=1"
_dmarc.strict.test TXT "v=DMARC1; p=quarantine; aspf=s; adkim=s"
_dmarc.none.test TXT "v=DMARC1; p=none"
_dmarc.lax.client.test TXT "v=DMARC1; p=none"
_dmarc.registry.test TXT "v=DMARC1; p=none; psd=y"
_dmarc.broken.test SERVFAIL
_dmarc.noise.test TXT "not a record"
"#;

fn message(from: &str) -> Vec<u8> {
    format!("{from}To: bob@example.test\r\nSubject: hi\r\n\r\ntext\r\n").into_bytes()
}

/// A message of `from`, sent by `envelope` from `peer`, signed by `signer` where there is one.
async fn check(peer: &str, envelope: &str, signer: &str, from: &str) -> (String, DmarcRequest) {
    let mut zone = ZONE.to_owned();
    for domain in ["client.test", "isp.test", "news.client.test", "strict.test"] {
        zone.push_str(&signing::keys(domain));
    }
    let bench = Bench::start(&zone).await;
    let mut message = message(from);
    if !signer.is_empty() {
        message = signed(signer, &message);
    }
    let session = session(peer, "mx.isp.test", envelope);
    let found = bench.check(ALL, session, &message, 5).await;
    (told(&found, Method::Dmarc).join(" "), found.dmarc_request)
}

#[tokio::test]
async fn the_author_is_vouched_for_by_an_aligned_sender_or_signature() {
    use DmarcRequest::{None, Quarantine, Reject};
    let client = "From: A <a@client.test>\r\n";
    let news = "From: a@news.client.test\r\n";
    let gone = "From: a@gone.client.test\r\n";
    let strict = "From: a@strict.test\r\n";
    let rows = [
        (
            "192.0.2.1",
            "a@client.test",
            "",
            client,
            "pass client.test",
            Reject,
        ),
        (
            "192.0.2.9",
            "a@client.test",
            "",
            client,
            "fail client.test",
            Reject,
        ),
        (
            "192.0.2.9",
            "a@client.test",
            "client.test",
            client,
            "pass client.test",
            Reject,
        ),
        (
            "192.0.2.1",
            "a@isp.test",
            "",
            client,
            "fail client.test",
            Reject,
        ),
        (
            "192.0.2.1",
            "a@isp.test",
            "isp.test",
            client,
            "fail client.test",
            Reject,
        ),
        (
            "192.0.2.1",
            "a@isp.test",
            "news.client.test",
            client,
            "pass client.test",
            Reject,
        ),
        (
            "192.0.2.1",
            "a@news.client.test",
            "",
            client,
            "pass client.test",
            Reject,
        ),
        // Of a subdomain the rule for subdomains holds, whether there is one or not.
        (
            "192.0.2.9",
            "a@isp.test",
            "",
            news,
            "fail news.client.test",
            Quarantine,
        ),
        (
            "192.0.2.1",
            "a@client.test",
            "",
            news,
            "pass news.client.test",
            Quarantine,
        ),
        (
            "192.0.2.9",
            "a@isp.test",
            "",
            gone,
            "fail gone.client.test",
            Quarantine,
        ),
        // Strict alignment.
        (
            "192.0.2.1",
            "a@strict.test",
            "",
            strict,
            "pass strict.test",
            Quarantine,
        ),
        (
            "192.0.2.1",
            "a@mail.strict.test",
            "",
            strict,
            "fail strict.test",
            Quarantine,
        ),
        (
            "192.0.2.9",
            "a@isp.test",
            "strict.test",
            strict,
            "pass strict.test",
            Quarantine,
        ),
        (
            "192.0.2.9",
            "a@x",
            "",
            "From: a@none.test\r\n",
            "fail none.test",
            None,
        ),
        (
            "192.0.2.9",
            "a@x",
            "",
            "From: a@noise.test\r\n",
            "none noise.test",
            None,
        ),
        (
            "192.0.2.9",
            "a@x",
            "",
            "From: a@isp.test\r\n",
            "none isp.test",
            None,
        ),
        (
            "192.0.2.9",
            "a@x",
            "",
            "From: a@broken.test\r\n",
            "temperror broken.test",
            None,
        ),
    ];
    for (peer, envelope, signer, from, expected, request) in rows {
        let found = check(peer, envelope, signer, from).await;
        let expected = (expected.to_owned(), request);
        assert_eq!(found, expected, "{peer} {envelope} {signer} {from}");
    }
}

#[tokio::test]
async fn a_message_without_one_author_is_never_merely_not_asked_for() {
    let rows = [
        "",
        "From: a@client.test\r\nFrom: b@evil.test\r\n",
        "From: a@client.test\r\nfrom : a@client.test\r\n",
        "From: a@client.test, b@evil.test\r\n",
        "From: MAILER-DAEMON\r\n",
        // Our mailboxes show another author than the check sees.
        "From: a@(c)client.test\r\n",
        "From: a@client(c).test\r\n",
        "From: a@client.(c)test\r\n",
        "From: a@(evil.test)client.test\r\n",
        "From: \"<a@evil.test>\" a@(c)client.test\r\n",
        "From: a@client.(c)test@evil.test\r\n",
        "From: a@(c)client.test <a@evil.test>\r\n",
        "From: a @ client . test\r\n",
        "From: \r\n",
        "From: a@client.test <a@evil.test>\r\n",
        "From: a@evil.test <a@client.test>\r\n",
        "From: A a@evil.test A <a@client.test>\r\n",
        "From: a@client.test a@evil.test\r\n",
        "From: a@client.test. a@evil.test\r\n",
        "From: a@client.test@evil.test\r\n",
        "From: <a@client.test@evil.test>\r\n",
        "From: <a@client.test> <a@evil.test>\r\n",
        "From: <a@client.test <a@evil.test>\r\n",
        "From: <a@client.test a@evil.test>\r\n",
        "From: (a@client.test a@evil.test\r\n",
        "From: \"a@client.test a@evil.test\r\n",
        "From: a@client.test;b@evil.test\r\n",
        "From: us: a@client.test; b@evil.test\r\n",
        "From: a@[192.0.2.1]\r\n",
        "From: a@=?utf-8?q?client=2Etest?=\r\n",
        "From: =?utf-8?q?a=40client=2Etest?=\r\n",
        "From: a@cl\u{fffd}ient.test\r\n",
    ];
    for from in rows {
        let found = check("192.0.2.1", "a@client.test", "", from).await;
        assert_eq!(
            found,
            ("permerror".to_owned(), DmarcRequest::Quarantine),
            "{from}"
        );
    }
    let bench = Bench::start(ZONE).await;
    let found = bench.message(ALL, b"\r\nFrom: a@client.test\r\n").await;
    assert_eq!(told(&found, Method::Dmarc), ["permerror"]);
    assert_eq!(told(&found, Method::Dkim), ["none"]);
    assert_eq!(told(&found, Method::Arc), ["none"]);
    assert_eq!(found.dmarc_request, DmarcRequest::Quarantine);
    for same in [
        "From: a@client.test, b@Client.Test\r\n",
        "From: a@client.test (Anna, of b@evil.test)\r\n",
        "From: =?utf-8?q?=22b=40evil=2Etest=22?= <a@client.test>\r\n",
        "From: \"b@evil.test\" (c) <a@client.test>\r\n",
        "From: us: a@client.test, b@client.test;\r\n",
        "From: A\r\n <a@client.test>\r\n",
        "From: a@client.test <a@client.test>\r\n",
        "From: A@Client.Test. <a@client.test>\r\n",
        "From: a@client.test b@client.test\r\n",
        "From: A a@client.test\r\n",
        "From: A jr. a@client.test\r\n",
        "From: a@client.test A\r\n",
        "From: A @ work <a@client.test>\r\n",
        "From: root@localhost <root@client.test>\r\n",
        "From: Doe, Ann <a@client.test>\r\n",
        "From: Ann: of us <a@client.test>\r\n",
        "From: Ann <a@client.test\r\n",
        "From: \"Ann <a@client.test>\r\n",
        "From: Ann (of us <a@client.test>\r\n",
        "From: a@client.test.\r\n",
        "From: \"b@evil.test\" a@client.test\r\n",
        "From: =?utf-8?q?Ann=2C?= us <a@client.test>\r\n",
    ] {
        let found = check("192.0.2.1", "a@client.test", "", same).await;
        assert_eq!(found.0, "pass client.test", "{same}");
    }
}

/// The author's address, and another one of the same organization beside it or in its name.
#[tokio::test]
async fn several_domains_of_one_organization_are_one_author() {
    use DmarcRequest::{None, Quarantine, Reject};
    let rows = [
        (
            "news.client.test",
            "From: a@client.test <a@news.client.test>\r\n",
            "pass news.client.test",
            Quarantine,
        ),
        (
            "news.client.test",
            "From: \"a@client.test\" <a@news.client.test>\r\n",
            "pass news.client.test",
            Quarantine,
        ),
        (
            "client.test",
            "From: a@news.client.test <a@client.test>\r\n",
            "pass client.test",
            Reject,
        ),
        (
            "client.test",
            "From: a@news.client.test, b@client.test\r\n",
            "pass client.test",
            Reject,
        ),
        // Neighbours below one domain with a record.
        (
            "client.test",
            "From: a@shop.client.test <a@news.client.test>\r\n",
            "pass news.client.test",
            Quarantine,
        ),
        // Nobody vouches: the strictest policy counts.
        (
            "",
            "From: a@client.test <a@news.client.test>\r\n",
            "fail client.test",
            Reject,
        ),
        (
            "",
            "From: a@client.test <a@lax.client.test>\r\n",
            "fail client.test",
            Reject,
        ),
        (
            "",
            "From: a@lax.client.test, a@client.test\r\n",
            "fail client.test",
            Reject,
        ),
        // No policy at all.
        (
            "",
            "From: a@isp.test <a@mail.isp.test>\r\n",
            "none mail.isp.test",
            None,
        ),
        (
            "",
            "From: a@broken.test <a@mail.broken.test>\r\n",
            "temperror mail.broken.test",
            None,
        ),
    ];
    for (signer, from, expected, request) in rows {
        let found = check("192.0.2.9", "a@isp.test", signer, from).await;
        assert_eq!(found, (expected.to_owned(), request), "{signer} {from}");
    }
    for unrelated in [
        "From: a@client.test <a@strict.test>\r\n",
        "From: a@mail.isp.test <a@www.isp.test>\r\n",
        "From: a@nclient.test <a@client.test>\r\n",
        "From: a@registry.test <a@shop.registry.test>\r\n",
        "From: a@one.registry.test <a@two.registry.test>\r\n",
        "From: a@client.test <a@news.client.test>, b@isp.test\r\n",
    ] {
        let found = check("192.0.2.9", "a@isp.test", "client.test", unrelated).await;
        let expected = ("permerror".to_owned(), Quarantine);
        assert_eq!(found, expected, "{unrelated}");
    }
}
