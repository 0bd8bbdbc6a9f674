//! DNS facts about a peer and a sender's domain, at MAIL.

use crate::system::{POLICY, Port, System};

const ZONE: &str = r"
client.test MX 10 mx.client.test
mx.client.test A 192.0.2.1
null.test MX 0 .
private.test A 10.0.0.1
broken.test SERVFAIL
slow.test SILENCE
1.0.0.127.bl.test A 127.0.0.2
1.0.0.127.good.test A 127.0.0.2
1.0.0.127.broken.test SERVFAIL
1.0.0.127.slow.test SILENCE
";

async fn start(rules: &str) -> System {
    let marker = "[receiving.untrusted]";
    let policy = POLICY.replace(marker, &format!("{marker}\n{rules}"));
    let system = System::start_with(&policy, |_| {}).await;
    system.dns.set(ZONE);
    system
}

#[tokio::test]
async fn a_sender_must_have_a_domain_that_takes_mail() {
    let system = start("sender-domain-must-exist = true").await;
    let rows = [
        ("a@client.test", "250 "),
        ("", "250 "),
        ("a@null.test", "550 5.7.27 "),
        ("a@missing.test", "550 5.1.8 "),
        ("a@private.test", "550 5.1.8 "),
        ("a@broken.test", "451 4.4.3 "),
        ("a@slow.test", "451 4.4.3 "),
    ];
    for (sender, expected) in rows {
        let mut client = system.connect(Port::External).await;
        client.send(format!("MAIL FROM:<{sender}>\r\n")).await;
        let (_, reply) = client.reply().await;
        assert!(reply.starts_with(expected), "{sender}: {reply}");
        let mut trusted = system.connect(Port::Internal).await;
        trusted.say(&format!("MAIL FROM:<{sender}>"), 250).await;
    }
}

#[tokio::test]
async fn a_peer_on_too_many_lists_is_refused() {
    let rows = [
        ("dns-lists = [{ zone = 'bl.test' }]", 550),
        ("dns-lists = [{ zone = 'other.test' }]", 250),
        (
            "dns-lists = [{ zone = 'bl.test', answers = '127.0.0.9' }]",
            250,
        ),
        (
            "dns-lists = [{ zone = 'bl.test' }, { zone = 'good.test', score = -1 }]",
            250,
        ),
        (
            "dns-lists = [{ zone = 'bl.test' }]\ndns-list-refuse-score = 2",
            250,
        ),
        (
            "dns-lists = [{ zone = 'broken.test' }, { zone = 'slow.test' }]",
            250,
        ),
    ];
    for (rules, code) in rows {
        let system = start(rules).await;
        let mut client = system.connect(Port::External).await;
        let reply = client.say("MAIL FROM:<a@client.test>", code).await;
        assert!(code == 250 || reply.starts_with("550 5.7.1 "), "{reply}");
        let mut trusted = system.connect(Port::Internal).await;
        trusted.say("MAIL FROM:<a@client.test>", 250).await;
    }
}

#[tokio::test]
async fn what_was_pipelined_behind_a_sender_waits_for_the_dns() {
    let system = start("sender-domain-must-exist = true").await;
    let mut client = system.connect(Port::External).await;
    client
        .send(
            "MAIL FROM:<a@null.test>\r\nRCPT TO:<bob@example.test>\r\nMAIL FROM:<a@client.test>\r\n\
             RCPT TO:<bob@example.test>\r\nDATA\r\n",
        )
        .await;
    for code in [550, 503, 250, 250, 354] {
        client.expect(code).await;
    }
}
