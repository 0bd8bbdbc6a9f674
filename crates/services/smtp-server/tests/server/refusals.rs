//! Refusals reported to the queue, and sessions without a queue.

use crate::system::{Port, System};

#[tokio::test]
async fn a_refused_recipient_is_reported_with_everything_that_decided() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<A@client.test>", 250).await;
    client.say("RCPT TO:<bob@example.test>", 250).await;
    client.say("RCPT TO:<B@elsewhere.test>", 550).await;
    let reported = system.refusals.told(1).await;
    let [refusal] = reported.as_slice() else {
        panic!("{reported:?}");
    };
    assert_eq!(refusal.peer_address, "127.0.0.1");
    assert_eq!(refusal.helo, "client.test");
    assert_eq!(refusal.listener, "Mx");
    assert_eq!(refusal.reverse_path, "A@client.test");
    assert_eq!(refusal.recipient, "B@elsewhere.test");
    assert_eq!(refusal.verdict, "relay-denied");
    assert!(
        refusal
            .reasons
            .iter()
            .any(|r| r == "no domain rule names elsewhere.test")
    );
    assert_eq!(refusal.session.len(), 13);
    assert!(refusal.at_ms > 0 && refusal.last_at_ms == refusal.at_ms);
}

#[tokio::test]
async fn senders_logins_and_whole_messages_are_reported_too() {
    let system = System::start_with(crate::system::POLICY, |config| config.max_hops = 2).await;
    let mut client = system.connect(Port::External).await;
    client
        .say("MAIL FROM:<a@client.test> SIZE=99999999", 552)
        .await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<bob@example.test>", 250).await;
    client.say("RCPT TO:<eve@example.test>", 250).await;
    client
        .data("Received: a\r\nReceived: b\r\nReceived: c\r\n\r\n", 554)
        .await;
    let mut submitter = system.connect(Port::Plaintext).await;
    // \0bob@example.test\0wrong
    submitter
        .say("AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAd3Jvbmc=", 535)
        .await;
    let reported = system.refusals.told(3).await;
    let told: Vec<(&str, &str, &str)> = reported
        .iter()
        .map(|r| {
            (
                r.verdict.as_str(),
                r.reverse_path.as_str(),
                r.recipient.as_str(),
            )
        })
        .collect();
    assert!(
        told.contains(&("message-too-large", "a@client.test", "")),
        "{told:?}"
    );
    assert!(
        told.contains(&(
            "mail-loop",
            "a@client.test",
            "bob@example.test, eve@example.test"
        )),
        "{told:?}"
    );
    assert!(told.contains(&("login-failed", "", "")), "{told:?}");
    let failed = reported.iter().find(|r| r.verdict == "login-failed");
    assert_eq!(failed.unwrap().login, "bob@example.test");
}

#[tokio::test]
async fn what_comes_too_often_or_for_the_first_time_is_reported_too() {
    let policy = crate::system::POLICY.replace(
        "max-size",
        "greylisting = { delay = \"5 min\" }\n\
         rates = [{ count = \"messages\", per = \"address\", limit = 1, every = \"1 day\" }]\n\
         max-size",
    );
    let system = System::start_with(&policy, |_| {}).await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<bob@example.test>", 450).await;
    client.say("RSET", 250).await;
    client.say("MAIL FROM:<b@client.test>", 450).await;
    let reported = system.refusals.told(2).await;
    let mut told: Vec<_> = reported
        .iter()
        .map(|r| (&*r.verdict, &*r.reverse_path, &*r.recipient))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("greylisted", "a@client.test", "bob@example.test"),
            ("rate-exceeded", "b@client.test", ""),
        ]
    );
    assert!(reported.iter().all(|r| !r.reasons.is_empty()));
}

#[tokio::test]
async fn what_the_message_the_author_or_the_manners_are_refused_for_is_reported_too() {
    let policy = r#"
        [receiving.untrusted]
        block-attachments = ["*.exe"]
        dkim = { none = "refuse" }
        refuse-early-talkers = true
        [[domain]]
        name = "example.test"
        deliver = "mailboxes"
    "#;
    let system = System::start_with(policy, |_| {}).await;
    let (a, bob) = ("a@client.test", "bob@example.test");
    let mut client = system.connect(Port::External).await;
    client.envelope(a, bob).await;
    let file = "Content-Disposition: attachment; filename=a.exe\r\n\r\nx\r\n";
    client.data(file, 550).await;
    client.envelope(a, bob).await;
    client.data("Subject: unsigned\r\n\r\nx\r\n", 550).await;
    let mut submitter = system.connect(Port::Plaintext).await;
    submitter
        .say("AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0", 235)
        .await;
    submitter.say("MAIL FROM:<eve@example.test>", 553).await;
    submitter.envelope(bob, bob).await;
    submitter
        .data("From: eve@example.test\r\n\r\nx\r\n", 550)
        .await;
    let mut early = system.connect_raw(Port::External).await;
    early.expect(220).await;
    early.send("EHLO client.test\r\nNOOP\r\n").await;
    early.expect(554).await;
    let reported = system.refusals.told(5).await;
    let mut told: Vec<_> = reported
        .iter()
        .map(|r| (&*r.verdict, &*r.reverse_path, &*r.recipient))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("author-not-of-login", bob, bob),
            ("blocked-attachment", a, bob),
            ("dkim-none", a, bob),
            ("early-talker", "", ""),
            ("sender-not-of-login", "eve@example.test", ""),
        ]
    );
    assert!(reported.iter().all(|r| !r.reasons.is_empty()));
}

/// The limit of delivery, including the field that is added here.
#[tokio::test]
async fn a_hundred_hops_are_taken_and_no_more_whatever_the_setting() {
    let system = System::start_with(crate::system::POLICY, |config| config.max_hops = 1000).await;
    let mut client = system.connect(Port::External).await;
    for (hops, code) in [(99, 250), (100, 554)] {
        client.envelope("a@client.test", "bob@example.test").await;
        let header = "Received: from a by b\r\n".repeat(hops);
        client.data(format!("{header}\r\nx"), code).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_one_too_many_is_reported_too() {
    let policy = crate::system::POLICY.replace(
        "max-size",
        "rates = [{ count = \"connections\", per = \"address\", limit = 3, every = \"1 day\" }]\n\
         max-size",
    );
    let system = System::start_with(&policy, |_| {}).await;
    // Clients that waited for the policy were counted as well.
    let refused =
        async { while system.connect_raw(Port::External).await.reply().await.0 != 421 {} };
    test_kit::in_time("a connection is one too many", refused).await;
    let reported = system.refusals.told(1).await;
    let refusal = &reported[0];
    assert_eq!(refusal.verdict, "connection-rate-exceeded");
    assert_eq!(refusal.peer_address, "127.0.0.1");
    assert_eq!((&*refusal.reverse_path, &*refusal.recipient), ("", ""));
    assert_eq!(refusal.session, "");
}

#[tokio::test]
async fn a_peer_that_repeats_itself_fills_one_row() {
    let policy = crate::system::POLICY.replace("max-size", "max-refusals = 1000\nmax-size");
    let system = System::start_with(&policy, |config| config.max_refusals = 1000).await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    for _ in 0..500 {
        client.say("RCPT TO:<b@elsewhere.test>", 550).await;
    }
    let reported = system.refusals.told(500).await;
    assert!(reported.len() < 10, "{} rows", reported.len());
    assert!(reported.iter().all(|r| r.recipient == "b@elsewhere.test"));
}

#[tokio::test]
async fn sessions_go_on_while_refusals_cannot_be_reported_and_nothing_is_lost_at_once() {
    let system = System::start().await;
    system.refusals.away.send_replace(true);
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<b@elsewhere.test>", 550).await;
    client.say("RCPT TO:<bob@example.test>", 250).await;
    client.data("text\r\n", 250).await;
    assert!(system.refusals.so_far().is_empty());
    system.refusals.away.send_replace(false);
    let reported = system.refusals.told(1).await;
    assert_eq!(reported[0].recipient, "b@elsewhere.test");
}

#[tokio::test]
async fn what_was_refused_last_is_reported_when_the_process_ends() {
    let mut system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<b@elsewhere.test>", 550).await;
    client.say("QUIT", 221).await;
    system.shutdown.cancel();
    (&mut system.served).await.unwrap().unwrap();
    assert_eq!(system.refusals.so_far().len(), 1);
}
