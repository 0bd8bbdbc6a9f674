//! Trust by the peer's name in the DNS.

use test_kit::FakeDns;

use crate::client::Client;
use crate::system::{Port, System};

const POLICY: &str = r#"
[[trust]]
name = "partner"
action = "trust"
where = { reverse-dns = "*.partner.test" }

[[domain]]
name = "example.test"
deliver = "mailboxes"
"#;

const ZONE: &str = "\
9.113.0.203.in-addr.arpa PTR mail.partner.test
mail.partner.test A 203.0.113.9
10.113.0.203.in-addr.arpa PTR mail.partner.test
11.113.0.203.in-addr.arpa SERVFAIL
";

async fn system(dns: &FakeDns, policy: &str) -> System {
    let resolver = dns.address();
    System::start_with(policy, |config| config.resolver = Some(resolver)).await
}

async fn client(system: &System, address: &str) -> Client {
    let mut client = system.connect_raw(Port::Proxied).await;
    let header = format!("PROXY TCP4 {address} 192.0.2.1 99 25\r\n");
    client.send(header).await;
    client.expect(220).await;
    client.say("EHLO client.test", 250).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client
}

#[tokio::test]
async fn a_name_that_leads_back_is_trusted_and_without_the_dns_nobody_is_refused_for_good() {
    let dns = FakeDns::start(ZONE).await;
    let system = system(&dns, POLICY).await;
    for (address, code) in [
        ("203.0.113.9", 250),
        ("203.0.113.10", 550),
        ("203.0.113.11", 451),
        ("203.0.113.12", 550),
    ] {
        let mut client = client(&system, address).await;
        client.say("RCPT TO:<x@elsewhere.test>", code).await;
        // Decisions that need no trust do not wait for the DNS.
        client.say("RCPT TO:<bob@example.test>", 250).await;
    }
}

#[tokio::test]
async fn a_policy_that_comes_later_is_asked_for_at_mail() {
    let dns = FakeDns::start(ZONE).await;
    let system = system(&dns, crate::system::POLICY).await;
    let mut early = client(&system, "203.0.113.9").await;
    early.say("RCPT TO:<x@elsewhere.test>", 550).await;
    system.policy.send(POLICY.to_owned()).unwrap();
    // Repeats until the policy is in force.
    test_kit::in_time("the new policy is in force", async {
        loop {
            let mut late = client(&system, "203.0.113.9").await;
            late.send("RCPT TO:<x@elsewhere.test>\r\n").await;
            if late.reply().await.0 == 250 {
                break;
            }
        }
    })
    .await;
    early.say("RSET", 250).await;
    early.say("MAIL FROM:<a@client.test>", 250).await;
    early.say("RCPT TO:<x@elsewhere.test>", 250).await;
}
