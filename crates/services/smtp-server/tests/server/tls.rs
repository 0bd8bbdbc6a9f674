use crate::system::{Port, System};

#[tokio::test]
async fn starttls_protects_and_forgets() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("STARTTLS", 220).await;
    let mut client = client.start_tls(&system.certificate).await;
    client.say("RCPT TO:<bob@example.test>", 503).await;
    let reply = client.say("EHLO client.test", 250).await;
    assert!(
        reply.contains("AUTH PLAIN LOGIN") && !reply.contains("STARTTLS"),
        "{reply}"
    );
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("", 250).await;
    assert!(system.queue.only().origin.unwrap().tls);
}

#[tokio::test]
async fn what_was_put_behind_starttls_is_dropped() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client
        .send("STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@client.test>\r\n")
        .await;
    client.expect(220).await;
    let mut client = client.start_tls(&system.certificate).await;
    // Had it been kept, three replies would come before this one's.
    client.say("RCPT TO:<bob@example.test>", 503).await;
    client.say("QUIT", 221).await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_client_that_fails_at_tls_harms_nobody_else() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.say("STARTTLS", 220).await;
    client.send("this is no handshake\r\n").await;
    while client.reply().await.0 != 0 {}
    system.connect(Port::External).await.say("NOOP", 250).await;
}
