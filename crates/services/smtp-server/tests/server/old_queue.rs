//! A queue of an earlier version: it accepts unknown fields and ignores them. So it must be given plain mail
//! only.

use std::time::Duration;

use crate::client::Client;
use crate::system::{POLICY, Port, System};

const QUARANTINE: &str = "[receiving.trusted]\nblock-attachments = [\"*.scr\"]\n\
                          blocked-attachments = \"quarantine\"\n";
const SUSPICIOUS: &str = "Content-Type: application/octet-stream; name=setup.scr\r\n\r\nx";

/// Longer than opening another stream to the queue takes.
const TIMEOUT: Duration = Duration::from_secs(30);

impl System {
    /// Replaces the queue; later clients get the new one's features.
    async fn queue_is_old(&self, old: bool) -> Client {
        self.queue.old.send_replace(old);
        let told = async {
            loop {
                let mut client = self.connect_raw(Port::Internal).await;
                client.expect(220).await;
                let hello = client.say("EHLO client.test", 250).await;
                if hello.contains("DELIVERBY") != old && hello.contains("MT-PRIORITY") != old {
                    return client;
                }
            }
        };
        let told = tokio::time::timeout(TIMEOUT, told).await;
        told.expect("clients are told what the queue can")
    }
}

#[tokio::test]
async fn i8_until_the_queue_has_been_reached_nobody_is_served() {
    let system = System::start_before_the_queue().await;
    // The policy arrives meanwhile.
    let mut opened = system.queue.opened.subscribe();
    opened.wait_for(|times| *times > 1).await.unwrap();
    assert!(!system.is_ready().await);
    system.connect_raw(Port::External).await.expect(421).await;
    system.queue.reachable.send_replace(true);
    test_kit::in_time("the service is ready", async {
        while !system.is_ready().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    system.connect_raw(Port::External).await.expect(220).await;
}

#[tokio::test]
async fn what_is_for_the_quarantine_waits_for_a_queue_that_has_one() {
    let system = System::start_with(&format!("{QUARANTINE}{POLICY}"), |_| {}).await;
    let mut client = system.queue_is_old(true).await;
    client.envelope("a@client.test", "bob@example.test").await;
    let reply = client.data(SUSPICIOUS, 451).await;
    assert!(reply.starts_with("451 4.3.0"), "{reply}");
    assert!(system.queue.accepted().is_empty());
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("Subject: x\r\n\r\ntext", 250).await;
    assert_eq!(system.queue.only().quarantine, None);

    let mut client = system.queue_is_old(false).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data(SUSPICIOUS, 250).await;
    let terms = system.queue.accepted()[1].quarantine.clone().unwrap();
    assert!(terms.reason.contains("setup.scr"), "{}", terms.reason);
}

#[tokio::test]
async fn requests_are_neither_offered_nor_taken() {
    let system = System::start().await;
    let mut client = system.queue_is_old(true).await;
    for parameter in ["BY=60;R", "MT-PRIORITY=-1"] {
        let mail = format!("MAIL FROM:<a@client.test> {parameter}");
        client.say(&mail, 555).await;
    }
    let mut submitter = system.connect(Port::Plaintext).await;
    let hello = submitter.say("EHLO client.test", 250).await;
    assert!(!hello.contains("FUTURERELEASE"), "{hello}");
}

#[tokio::test]
async fn what_was_offered_before_the_queue_was_replaced_is_refused_for_now() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    system.queue_is_old(true).await;
    for parameter in ["BY=60;R", "MT-PRIORITY=-1"] {
        let mail = format!("MAIL FROM:<a@client.test> {parameter}");
        client.say(&mail, 250).await;
        client.say("RCPT TO:<bob@example.test>", 250).await;
        client.data("Subject: x\r\n\r\ntext", 451).await;
    }
    assert!(system.queue.accepted().is_empty());
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("Subject: x\r\n\r\ntext", 250).await;
}
