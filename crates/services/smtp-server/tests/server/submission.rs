use api::message::v1::content::Text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::client::Client;
use crate::system::{self, Port, System};

async fn logged_in(system: &System) -> Client {
    let mut client = system.connect(Port::Plaintext).await;
    client
        .say("AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0", 235)
        .await;
    client
        .envelope("bob@example.test", "eve@example.test")
        .await;
    client
}

fn header(system: &System) -> String {
    system::header(&system.queue.only())
}

#[tokio::test]
async fn what_a_program_leaves_out_is_added() {
    let system = System::start().await;
    let mut client = logged_in(&system).await;
    client.data("Subject: x\r\n\r\ntext", 250).await;
    let header = header(&system);
    let lines: Vec<_> = header
        .lines()
        .filter(|line| !line.starts_with(' '))
        .collect();
    assert!(lines[0].starts_with("Received: "), "{header}");
    assert!(lines[1].starts_with("Date: "), "{header}");
    assert!(lines[2].starts_with("Message-ID: <"), "{header}");
    assert!(lines[2].ends_with("@mail.example.test>"), "{header}");
    assert_eq!(lines[3], "Subject: x");
}

#[tokio::test]
async fn what_it_says_is_left_alone() {
    let system = System::start().await;
    let mut client = logged_in(&system).await;
    client
        .data("date: today\r\nMESSAGE-ID: <1@x>\r\n\r\ntext", 250)
        .await;
    let header = header(&system);
    assert!(
        header.contains("\r\ndate: today\r\nMESSAGE-ID: <1@x>\r\n\r\n"),
        "{header}"
    );
    assert_eq!(header.to_lowercase().matches("\r\ndate:").count(), 1);
}

#[tokio::test]
async fn a_message_without_a_header_section_gets_one() {
    let system = System::start().await;
    let mut client = logged_in(&system).await;
    client.data("\r\njust text", 250).await;
    let header = header(&system);
    assert!(
        header.contains("Date: ") && header.ends_with(">\r\n\r\n"),
        "{header}"
    );
}

/// RFC 5322 §3.6.3, RFC 5321 §4.4.
#[tokio::test]
async fn whom_the_others_must_not_see_and_old_return_paths_are_taken_out() {
    const HIDING: &str = "Return-Path: <x@y.test>\r\nBcc: a@x.test,\r\n b@x.test\r\nSubject: x\r\n\
                          resent-bcc : c@x.test\r\nReturn-path: <>\r\n\r\ntext";
    let system = System::start().await;
    let mut client = logged_in(&system).await;
    client.data(HIDING, 250).await;
    let submitted = header(&system).to_lowercase();
    assert!(!submitted.contains("bcc"), "{submitted}");
    assert!(!submitted.contains("return-path"), "{submitted}");
    assert!(submitted.contains("\r\nsubject: x\r\n\r\n"), "{submitted}");
    // User programs also submit on the port for servers.
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data(HIDING, 250).await;
    assert!(!header(&system).to_lowercase().contains("bcc"));
    // Mail relayed for others is not changed.
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data(HIDING, 250).await;
    let passed_on = header(&system).to_lowercase();
    assert!(
        passed_on.contains("\r\nbcc: a@x.test,\r\n b@x.test\r\n"),
        "{passed_on}"
    );
}

const ALIASES: &str = r#"
[receiving.trusted]
send-as = [{ login = "eve@example.test", sender = "*@example.test" }]

[[domain]]
name = "example.test"
aliases = ["example.org.test"]
deliver = "mailboxes"
unmatched = { catch-all = "bob" }

[[domain.handler]]
match = "sales-*"
deliver = { mailbox = "bob" }

[[domain]]
name = "bobs.test"
deliver = { mailbox = "bob@example.test" }
"#;

/// Logged in as bob or eve.
async fn login(system: &System, user: &str) -> Client {
    let mut client = system.connect(Port::Plaintext).await;
    let credentials = STANDARD.encode(format!("\0{user}@example.test\0secret"));
    client.say(&format!("AUTH PLAIN {credentials}"), 235).await;
    client
}

#[tokio::test]
async fn who_logs_in_sends_in_their_own_name() {
    let system = System::start_with(ALIASES, |_| {}).await;
    let mut bob = login(&system, "bob").await;
    let mut eve = login(&system, "eve").await;
    for (sender, code) in [
        ("<bob@example.test>", 250),
        ("<BOB@EXAMPLE.ORG.TEST>", 250),
        ("<sales-north@example.org.test>", 250),
        ("<anything@bobs.test>", 250),
        ("<>", 250),
        ("<eve@example.test>", 553),
        // Mail to unused addresses reaches bob, but such an address may belong to another user later.
        ("<nobody@example.test>", 553),
        ("<bob@elsewhere.test>", 553),
        ("<bob@[192.0.2.1]>", 553),
    ] {
        bob.say(&format!("MAIL FROM:{sender}"), code).await;
        bob.say("RSET", 250).await;
    }
    for (sender, code) in [("bob@example.test", 250), ("bob@elsewhere.test", 553)] {
        eve.say(&format!("MAIL FROM:<{sender}>"), code).await;
        eve.say("RSET", 250).await;
    }
}

#[tokio::test]
async fn the_author_of_a_message_is_who_logged_in_too() {
    let system = System::start_with(ALIASES, |_| {}).await;
    let mut client = login(&system, "bob").await;
    for (from, code) in [
        ("From: Bob <bob@example.test>", 250),
        ("From: \"Bob, B.\" <sales-x@example.test> (comment)", 250),
        ("Subject: no author at all", 250),
        ("From: undisclosed:;", 250),
        ("From: Eve <eve@example.test>", 550),
        ("From: bob@example.test, eve@example.test", 550),
        ("From: bob@example.test\r\nFROM :eve@example.test", 550),
        ("From: team: bob@example.test, eve@example.test;", 550),
        ("From: eve", 550),
        ("From: bob@example.test <bob@example.test>", 250),
        ("From: Bob bob@example.test", 250),
        ("From: Bee, Bob <bob@example.test>", 250),
        ("From: Bob @ work <bob@example.test>", 250),
        ("From: bob@example.test bob@example.org.test", 250),
        ("From: eve@example.test <bob@example.test>", 550),
        ("From: bob@example.test eve@example.test", 550),
        ("From: bob@example.test@eve.test", 550),
        ("From: <bob@example.test> <eve@example.test>", 550),
    ] {
        client
            .envelope("bob@example.test", "eve@example.test")
            .await;
        client.data(format!("{from}\r\n\r\ntext"), code).await;
    }
}

#[tokio::test]
async fn the_policy_may_let_everybody_send_as_anybody() {
    let policy = "[receiving.trusted]\nsenders-must-belong-to-login = false\n";
    let system = System::start_with(policy, |_| {}).await;
    let mut client = login(&system, "bob").await;
    client
        .envelope("x@elsewhere.test", "y@elsewhere.test")
        .await;
    client.data("From: z@elsewhere.test\r\n\r\ntext", 250).await;
}

#[tokio::test]
async fn text_alone_stays_text_behind_what_is_added() {
    for message in ["just text\r\nmore\r\n", " indented: text\r\nmore\r\n"] {
        let system = System::start().await;
        let mut client = logged_in(&system).await;
        client.say("DATA", 354).await;
        client.send(format!("{message}.\r\n")).await;
        client.expect(250).await;
        let header = header(&system);
        assert!(header.contains("\r\nMessage-ID: <"), "{header}");
        assert!(header.ends_with(">\r\n\r\n"), "{header}");
        let text = system.queue.only().content.unwrap().text;
        assert_eq!(text, Some(Text::Inline(message.into())));
    }
}
