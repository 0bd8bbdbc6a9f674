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
        reply.contains("PLAIN LOGIN") && !reply.contains("STARTTLS"),
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
    // If it had been kept, three replies would come before this one.
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
    let told = system.refusals.told(1).await;
    assert_eq!(told[0].verdict, "tls-handshake");
    assert!(told[0].reasons[0].contains("no TLS"), "{told:?}");
}

#[tokio::test]
async fn logins_that_no_directory_is_asked_about_are_reported() {
    let system = System::start().await;
    let mut client = system.connect(Port::Submission).await;
    client.say("AUTH PLAIN AGJvYgBzZWNyZXQ=", 538).await;
    client.say("STARTTLS", 220).await;
    let mut client = client.start_tls(&system.certificate).await;
    client.say("EHLO client.test", 250).await;
    client.say("AUTH CRAM-MD5", 504).await;
    client.say("AUTH AGJvYgBzZWNyZXQ=", 504).await;
    client.say("AUTH PLAIN !!!", 501).await;
    let told = system.refusals.told(4).await;
    let mut told: Vec<_> = told
        .iter()
        .map(|row| (&*row.verdict, row.reasons.get(1).map(String::as_str)))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("login-without-tls", Some("said: AUTH")),
            ("malformed-login", Some("said: AUTH")),
            ("mechanism-not-offered", Some("said: AUTH")),
            ("mechanism-not-offered", Some("said: AUTH CRAM-MD5")),
        ]
    );
}

#[tokio::test]
async fn requiretls_is_offered_within_tls_and_kept() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    let hello = client.say("EHLO client.test", 250).await;
    assert!(!hello.contains("REQUIRETLS"), "{hello}");
    client
        .say("MAIL FROM:<a@client.test> REQUIRETLS", 555)
        .await;
    client.say("STARTTLS", 220).await;
    let mut client = client.start_tls(&system.certificate).await;
    let hello = client.say("EHLO client.test", 250).await;
    assert!(hello.contains("\n250-REQUIRETLS\n"), "{hello}");
    client
        .say("MAIL FROM:<a@client.test> REQUIRETLS", 250)
        .await;
    client.say("RCPT TO:<bob@example.test>", 250).await;
    client.data("", 250).await;
    assert!(system.queue.only().require_tls);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_handshake() {
    let mut system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.say("STARTTLS", 220).await;
    let silent = system.connect_raw(Port::Submissions).await;
    system.shutdown.cancel();
    (&mut system.served).await.unwrap().unwrap();
    drop((client, silent));
}
