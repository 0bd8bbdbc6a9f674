//! SPF, DKIM, DMARC and reverse DNS, with a name server in the test.

use crate::system::{POLICY, Port, System, header};
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dkim::DkimSigner;

/// The key of RFC 8463 Appendix A.
const SEED: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
    0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];
const PUBLIC: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

/// The tests' clients are 127.0.0.1.
const ZONE: &str = r#"
1.0.0.127.in-addr.arpa PTR client.test
client.test A 127.0.0.1
client.test TXT "v=spf1 ip4:127.0.0.1 -all"
soft.test TXT "v=spf1 ~all"
forged.test TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.forged.test TXT "v=DMARC1; p=reject"
ed._domainkey.forged.test TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
careful.test TXT "v=spf1 -all"
_dmarc.careful.test TXT "v=DMARC1; p=quarantine"
broken.test SERVFAIL
_dmarc.broken.test SERVFAIL
slow.test SILENCE
_dmarc.slow.test SILENCE
"#;

const CHECKED: &str = r#"
spf = { softfail = "mark", fail = "mark" }
dkim = "check"
dmarc = "follow"
iprev = "check"
"#;

struct Checked {
    system: System,
}

impl Checked {
    /// Starts with these rules for untrusted clients.
    async fn start(rules: &str) -> Self {
        let system = System::start_with(&policy(rules), |_| {}).await;
        system.dns.set(ZONE);
        Self { system }
    }

    async fn send(&self, port: Port, sender: &str, message: impl AsRef<[u8]>, code: u16) -> String {
        let mut client = self.system.connect(port).await;
        client.envelope(sender, "bob@example.test").await;
        client.data(message, code).await
    }

    /// The header section of the last accepted message.
    fn header(&self) -> String {
        header(&self.system.queue.accepted().pop().unwrap())
    }
}

/// The policy of the other tests, which checks nothing, with these rules.
fn policy(rules: &str) -> String {
    let named = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        !key.is_empty()
            && rules
                .lines()
                .any(|rule| rule.starts_with(&format!("{key} = ")))
    };
    let lines = POLICY.lines().filter(|line| !named(line));
    let marker = "[receiving.untrusted]";
    let policy: Vec<&str> = lines.collect();
    policy
        .join("\n")
        .replace(marker, &format!("{marker}\n{rules}"))
}

fn message(author: &str) -> String {
    format!("From: {author}\r\nSubject: hi\r\n\r\nSome  text\r\n")
}

fn signed(domain: &str, message: &str) -> String {
    let signature =
        DkimSigner::from_key(Ed25519Key::from_seed_and_public_key(&SEED, &PUBLIC).unwrap())
            .domain(domain)
            .selector("ed")
            .headers(["From", "Subject"])
            .sign(message.as_bytes())
            .unwrap();
    signature.to_header() + message
}

#[tokio::test]
async fn what_was_found_stands_above_the_message() {
    let checked = Checked::start(CHECKED).await;
    let message = message("a@client.test");
    checked
        .send(Port::External, "a@client.test", &message, 250)
        .await;
    let submission = checked.system.queue.only();
    let header = header(&submission);
    let content = submission.content.unwrap();
    let (results, rest) = header.split_once("Received:").unwrap();
    assert_eq!(
        results,
        "Authentication-Results: mail.example.test;\r\n\
         \tiprev=pass policy.iprev=127.0.0.1;\r\n\
         \tspf=pass smtp.helo=client.test;\r\n\
         \tspf=pass smtp.mailfrom=client.test;\r\n\
         \tdkim=none;\r\n\
         \tdmarc=none header.from=client.test\r\n"
    );
    assert!(
        rest.ends_with("From: a@client.test\r\nSubject: hi\r\n\r\n"),
        "{rest}"
    );
    // The summary is that of the message alone, without the added fields.
    assert!(!submission.junk);
    let summary = content.summary.unwrap();
    let own = content.header.len() as u64;
    assert_eq!(summary.subject, "hi");
    assert_eq!(summary.parts[0].body_start, own);
    assert_eq!(summary.parts[0].end, own + content.text_size);
}

#[tokio::test]
async fn a_signature_that_holds_excuses_the_way_a_message_took() {
    let checked = Checked::start(CHECKED).await;
    let plain = message("a@forged.test");
    let reply = checked
        .send(Port::External, "a@forged.test", &plain, 550)
        .await;
    assert!(reply.starts_with("550 5.7.26 "), "{reply}");
    let signed = signed("forged.test", &plain);
    checked
        .send(Port::External, "a@forged.test", &signed, 250)
        .await;
    let header = checked.header();
    for found in [
        "spf=fail smtp.mailfrom=forged.test",
        "dkim=pass header.d=forged.test header.s=ed header.a=ed25519-sha256",
        "dmarc=pass header.from=forged.test policy.dmarc=reject",
        "\r\nX-Postern-Marks: spf-fail\r\n",
    ] {
        assert!(header.contains(found), "{found}\n{header}");
    }
    let changed = signed.replace("Some  text", "Other text");
    let reply = checked
        .send(Port::External, "a@forged.test", &changed, 550)
        .await;
    assert!(reply.starts_with("550 5.7.26 "), "{reply}");
}

#[tokio::test]
async fn a_large_message_is_verified_as_it_passes() {
    let checked = Checked::start(CHECKED).await;
    let line = "0123456789 abcdefghijklmnopqrstuvwxyz\r\n";
    let large = message("a@forged.test") + &line.repeat(20_000);
    let signed = signed("forged.test", &large);
    checked
        .send(Port::External, "a@forged.test", signed.trim_end(), 250)
        .await;
    assert!(checked.header().contains("dkim=pass"));
    let spoilt = signed.replacen("9 a", "9 b", 1);
    checked
        .send(Port::External, "a@forged.test", spoilt.trim_end(), 550)
        .await;
}

#[tokio::test]
async fn what_is_suspicious_is_taken_and_named_and_goes_to_junk() {
    let checked = Checked::start(CHECKED).await;
    let message = message("a@careful.test");
    checked
        .send(Port::External, "a@soft.test", &message, 250)
        .await;
    let header = checked.header();
    assert!(
        header.contains("dmarc=fail header.from=careful.test"),
        "{header}"
    );
    let marks = "X-Postern-Marks: dmarc-quarantine, spf-softfail\r\n";
    assert!(header.contains(marks), "{header}");
    assert!(checked.system.queue.only().junk);
}

#[tokio::test]
async fn what_is_for_the_quarantine_is_taken_like_any_other() {
    let rules = "spf = { softfail = 'quarantine' }\ndmarc = { quarantine = 'quarantine' }";
    let checked = Checked::start(rules).await;
    let port = Port::External;
    let plain = checked
        .send(port, "a@client.test", message("a@client.test"), 250)
        .await;
    assert_eq!(checked.system.queue.only().quarantine, None);
    let reply = checked
        .send(port, "a@soft.test", message("a@careful.test"), 250)
        .await;
    let told = |reply: &str| reply.split(" as ").next().unwrap().to_owned();
    assert_eq!(told(&reply), told(&plain), "the peer learns nothing");
    let header = checked.header();
    let marks = "X-Postern-Marks: dmarc-quarantine, spf-softfail\r\n";
    assert!(header.contains(marks), "{header}");
    let submission = checked.system.queue.accepted().pop().unwrap();
    let terms = submission.quarantine.unwrap();
    assert_eq!(
        terms.reason,
        "dmarc-quarantine: DMARC is `fail` for \"careful.test\"; \
         spf-softfail: SPF is `softfail` for \"soft.test\""
    );
    assert_eq!(terms.seconds, 30 * 86_400);
    assert!(!submission.junk);
}

#[tokio::test]
async fn the_policy_says_how_long_a_quarantine_is() {
    let rules = policy("dmarc = { quarantine = 'quarantine' }\nspf = { softfail = 'junk' }")
        + "\n[quarantine]\nkeep = \"36 h\"\n";
    let system = System::start_with(&rules, |_| {}).await;
    system.dns.set(ZONE);
    let checked = Checked { system };
    checked
        .send(
            Port::External,
            "a@soft.test",
            message("a@careful.test"),
            250,
        )
        .await;
    let submission = checked.system.queue.only();
    assert_eq!(submission.quarantine.unwrap().seconds, 36 * 3600);
    assert!(submission.junk, "once it is released");
}

#[tokio::test]
async fn each_refusal_has_the_code_that_is_made_for_it() {
    let rows = [
        ("spf = { fail = 'refuse' }", "a@forged.test", "550 5.7.23 "),
        (
            "spf = { softfail = 'refuse' }",
            "a@soft.test",
            "550 5.7.23 ",
        ),
        ("dkim = { none = 'refuse' }", "a@client.test", "550 5.7.20 "),
        (
            "dmarc = { permerror = 'refuse' }",
            "a@client.test",
            "550 5.7.26 ",
        ),
    ];
    for (rules, sender, expected) in rows {
        let checked = Checked::start(rules).await;
        let two = "From: a@client.test\r\nFrom: b@client.test\r\n\r\nx\r\n";
        let reply = checked.send(Port::External, sender, two, 550).await;
        assert!(reply.starts_with(expected), "{rules}: {reply}");
        assert_eq!(*checked.system.queue.arrived.borrow(), 0);
    }
}

#[tokio::test]
async fn a_dns_that_does_not_answer_is_no_reason_to_refuse_for_good() {
    let refuse = "spf = { fail = 'refuse', none = 'refuse', temperror = 'refuse' }";
    let dmarc = "dmarc = { reject = 'refuse', none = 'refuse', temperror = 'refuse' }";
    let rows = [
        (CHECKED, "a@broken.test", 250),
        (CHECKED, "a@slow.test", 250),
        (refuse, "a@broken.test", 451),
        (refuse, "a@slow.test", 451),
        (dmarc, "a@broken.test", 451),
        (dmarc, "a@slow.test", 451),
    ];
    for (rules, sender, code) in rows {
        let checked = Checked::start(rules).await;
        checked
            .send(Port::External, sender, message(sender), code)
            .await;
        if code == 250 {
            assert!(checked.header().contains("=temperror"), "{rules}");
        }
    }
}

#[tokio::test]
async fn results_in_our_name_are_taken_out_whoever_sends_them() {
    let ours = "Authentication-Results: mail.example.test; dkim=pass\r\nX-Postern-Marks: no\r\n";
    let theirs = "Authentication-Results: other.test; dkim=pass\r\n";
    let message = format!("{ours}{theirs}Subject: hi\r\n\r\nAuthentication-Results: text\r\n");
    for rules in ["", CHECKED] {
        let checked = Checked::start(rules).await;
        checked
            .send(Port::External, "a@client.test", &message, 250)
            .await;
        let header = checked.header();
        assert!(!header.contains("dkim=pass\r\nX-Postern"), "{header}");
        assert!(!header.contains("X-Postern-Marks: no"), "{header}");
        assert!(
            header.ends_with(&format!("{theirs}Subject: hi\r\n\r\n")),
            "{header}"
        );
        let own = header.matches("mail.example.test;").count();
        assert_eq!(own, usize::from(!rules.is_empty()), "{header}");
        // Any device may be in our network.
        checked
            .send(Port::Internal, "a@client.test", &message, 250)
            .await;
        let header = checked.header();
        assert!(!header.contains("dkim=pass\r\nX-Postern"), "{header}");
        assert!(header.contains(theirs), "{header}");
    }
}

#[tokio::test]
async fn a_signature_may_cover_what_is_taken_out() {
    let checked = Checked::start(CHECKED).await;
    let forged = "Authentication-Results: mail.example.test; dkim=pass\r\n";
    let message = format!("{forged}{}", message("a@forged.test"));
    let signature =
        DkimSigner::from_key(Ed25519Key::from_seed_and_public_key(&SEED, &PUBLIC).unwrap())
            .domain("forged.test")
            .selector("ed")
            .headers(["From", "Authentication-Results"])
            .sign(message.as_bytes())
            .unwrap();
    let message = signature.to_header() + &message;
    checked
        .send(Port::External, "a@forged.test", &message, 250)
        .await;
    let header = checked.header();
    assert!(
        header.contains("dkim=pass header.d=forged.test"),
        "{header}"
    );
    assert!(!header.contains(forged), "{header}");
}

#[tokio::test]
async fn trusted_sessions_are_not_asked_about() {
    let checked = Checked::start("spf = { fail = 'refuse' }\ndmarc = 'follow'").await;
    checked
        .send(
            Port::Internal,
            "a@forged.test",
            message("a@forged.test"),
            250,
        )
        .await;
    assert!(!checked.header().contains("Authentication-Results"));
}

#[tokio::test]
async fn chunks_and_several_messages_are_checked_alike() {
    let checked = Checked::start(CHECKED).await;
    let mut client = checked.system.connect(Port::External).await;
    let signed = signed("forged.test", &message("a@forged.test"));
    for _ in 0..2 {
        client.envelope("a@forged.test", "bob@example.test").await;
        for piece in signed.as_bytes().chunks(50) {
            client.send(format!("BDAT {}\r\n", piece.len())).await;
            client.send(piece).await;
            client.expect(250).await;
        }
        client.say("BDAT 0 LAST", 250).await;
        assert!(checked.header().contains("dkim=pass"));
    }
    client.envelope("a@forged.test", "bob@example.test").await;
    client.say("RSET", 250).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data(message("a@client.test"), 250).await;
    assert!(
        checked
            .header()
            .contains("spf=pass smtp.mailfrom=client.test")
    );
}
