//! Mail is deferred while the volume has too little space.

use crate::client::Client;
use crate::system::{Port, System};

const RULES: &str = r#"
[receiving.untrusted]
min-free-space = "2 GiB"

[receiving.trusted]
min-free-space = "1 GiB"

[[domain]]
name = "example.test"
deliver = "mailboxes"
"#;

const GIB: u64 = 1 << 30;

/// Repeats MAIL until it gets this reply; each request also updates the free space.
async fn until(client: &mut Client, code: u16) {
    let answered = async {
        loop {
            client.send("MAIL FROM:<a@client.test>\r\n").await;
            let (got, text) = client.reply().await;
            client.say("RSET", 250).await;
            if got == code {
                return;
            }
            assert!(matches!(got, 250 | 452), "{text}");
        }
    };
    test_kit::in_time(&format!("MAIL is answered with {code}"), answered).await;
}

#[tokio::test]
async fn while_space_is_short_strangers_are_put_off_before_the_trusted() {
    let system = System::start_with(RULES, |_| {}).await;
    let mut stranger = system.connect(Port::External).await;
    let mut trusted = system.connect(Port::Internal).await;
    // Unknown: the rule is not applied.
    stranger.say("MAIL FROM:<a@client.test>", 250).await;
    stranger.say("RSET", 250).await;

    system.storage.free.send_replace(Some(2 * GIB - 1));
    // A new revision makes the server ask at once.
    system.policy.send_replace(format!("{RULES}\n# short"));
    until(&mut stranger, 452).await;
    until(&mut trusted, 250).await;
    system.storage.free.send_replace(Some(GIB - 1));
    system.policy.send_replace(format!("{RULES}\n# shorter"));
    until(&mut trusted, 452).await;
    let reply = trusted.say("MAIL FROM:<a@client.test>", 452).await;
    assert!(reply.contains("4.3.1"), "{reply}");

    system.storage.free.send_replace(Some(2 * GIB));
    system.policy.send_replace(RULES.to_owned());
    until(&mut stranger, 250).await;
}

#[tokio::test]
async fn the_rule_is_on_unless_the_policy_says_otherwise() {
    let system = System::start().await;
    system.storage.free.send_replace(Some(GIB - 1));
    system
        .policy
        .send_modify(|policy| policy.push_str("\n# short"));
    let mut stranger = system.connect(Port::External).await;
    until(&mut stranger, 452).await;
    let mut trusted = system.connect(Port::Internal).await;
    until(&mut trusted, 250).await;
    system.storage.free.send_replace(Some(GIB / 2 - 1));
    system
        .policy
        .send_modify(|policy| policy.push_str("\n# shorter"));
    until(&mut trusted, 452).await;
}

#[tokio::test]
async fn a_policy_that_switches_the_rule_off_asks_nobody() {
    let off = RULES.replace("2 GiB", "off").replace("1 GiB", "off");
    let system = System::start_with(&off, |_| {}).await;
    system.storage.free.send_replace(Some(0));
    let mut client = system.connect(Port::External).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("", 250).await;
    assert_eq!(*system.storage.asked.borrow(), 0);
}
