//! Clients that send too early, and the message sizes and timeouts of a class.

use crate::system::{Port, System};

const RULES: &str = r#"
[receiving.untrusted]
refuse-early-talkers = true
max-refusals = 2
max-size = "1 MiB"

[receiving.trusted]
max-refusals = 4
max-size = "3 MiB"

[[domain]]
name = "example.test"
deliver = "mailboxes"
"#;

fn with_delay(delay: &str) -> String {
    RULES.replacen(
        "max-refusals",
        &format!("greeting-delay = \"{delay}\"\nmax-refusals"),
        1,
    )
}

#[tokio::test]
async fn who_speaks_before_the_greeting_is_sent_away() {
    // Long enough for any machine: the client does not wait for its end.
    let policy = with_delay("30 s");
    let system = System::start_without_waiting(&policy, |_| {}).await;
    let mut client = loop {
        // Repeats until the policy is in force and the greeting is delayed.
        let mut client = system.connect_raw(Port::External).await;
        client.send("EHLO client.test\r\n").await;
        let (code, text) = client.reply().await;
        if code != 421 {
            assert_eq!(code, 554, "{text}");
            break client;
        }
    };
    client.expect_end().await;
    // A trusted client may send at any time, and is greeted at once.
    let mut client = system.connect_raw(Port::Internal).await;
    client.send("EHLO client.test\r\n").await;
    client.expect(220).await;
    client.expect(250).await;
}

#[tokio::test]
async fn who_waits_is_greeted_when_the_time_is_over() {
    let system = System::start_with(&with_delay("20 ms"), |_| {}).await;
    let began = std::time::Instant::now();
    let mut client = system.connect(Port::External).await;
    assert!(began.elapsed() >= std::time::Duration::from_millis(20));
    client.say("NOOP", 250).await;
}

#[tokio::test]
async fn who_goes_on_before_ehlo_is_answered_is_sent_away() {
    let system = System::start_with(RULES, |_| {}).await;
    let mut client = system.connect_raw(Port::External).await;
    client.expect(220).await;
    let pipelined = "EHLO client.test\r\nMAIL FROM:<a@client.test>\r\n";
    client.send(pipelined).await;
    client.expect(554).await;
    client.expect_end().await;
    let mut client = system.connect_raw(Port::Internal).await;
    client.expect(220).await;
    client.send(pipelined).await;
    client.expect(250).await;
    client.expect(250).await;
}

#[tokio::test]
async fn each_class_has_so_many_refusals() {
    let system = System::start_with(RULES, |_| {}).await;
    for (port, refusals) in [(Port::External, 2), (Port::Internal, 4)] {
        let mut client = system.connect(port).await;
        client.say("MAIL FROM:<a@client.test>", 250).await;
        for _ in 0..refusals {
            client.say("RCPT TO:<nobody@example.test>", 550).await;
        }
        client.expect(421).await;
        client.expect_end().await;
    }
}

#[tokio::test]
async fn the_size_announced_is_that_of_the_class_and_changes_with_it() {
    let system = System::start_with(RULES, |_| {}).await;
    let mut client = system.connect(Port::Plaintext).await;
    let strangers = client.say("EHLO client.test", 250).await;
    assert!(strangers.contains("SIZE 1048576\n"), "{strangers}");
    client
        .say("AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0", 235)
        .await;
    let trusted = client.say("EHLO client.test", 250).await;
    assert!(trusted.contains("SIZE 3145728\n"), "{trusted}");
}
