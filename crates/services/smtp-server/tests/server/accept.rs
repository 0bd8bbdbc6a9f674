use api::message::v1::content::Text;
use api::queue::v1::Component;

use crate::system::{Port, System, header};

#[tokio::test]
async fn a_message_is_enqueued_byte_for_byte_below_its_received_header() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client
        .envelope("Alice@Client.Test", "Bob@EXAMPLE.test")
        .await;
    let reply = client
        .data("Subject: hi\r\nFrom: a@b\r\n\r\n..dot\r\nlast", 250)
        .await;
    client.say("QUIT", 221).await;
    client.expect_end().await;

    let submission = system.queue.only();
    assert_eq!(submission.reverse_path, "Alice@client.test");
    assert_eq!(submission.recipients.len(), 1);
    assert_eq!(submission.recipients[0].address, "Bob@example.test");
    assert_eq!(submission.policy_revision, 7);
    let header = header(&submission);
    let origin = submission.origin.unwrap();
    assert_eq!(origin.component(), Component::Smtp);
    assert_eq!(origin.peer_address, "127.0.0.1");
    assert_eq!(origin.helo, "client.test");
    assert_eq!(origin.trust, "external-listener");
    assert!(reply.contains(&origin.session), "{reply}");

    let content = submission.content.unwrap();
    let (received, own) = header.split_once("Subject:").unwrap();
    assert!(
        received.starts_with("Received: from client.test ([127.0.0.1]) by mail.example.test"),
        "{received}"
    );
    for part in ["with ESMTP", &origin.session, "for <Bob@example.test>"] {
        assert!(received.contains(part), "{received}");
    }
    assert_eq!(own, " hi\r\nFrom: a@b\r\n\r\n");
    assert_eq!(
        content.text,
        Some(Text::Inline("..dot\r\nlast\r\n"[1..].into()))
    );
    assert_eq!(content.text_size, 12);
    assert_eq!(content.summary.unwrap().subject, "hi");
}

#[tokio::test]
async fn many_messages_pass_one_connection() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    for _ in 0..20 {
        client.envelope("", "bob@example.test").await;
        client.data("x: y\r\n\r\nz", 250).await;
    }
    assert_eq!(system.queue.accepted().len(), 20);
}

#[tokio::test]
async fn everything_may_come_at_once() {
    let system = System::start().await;
    let mut client = system.connect_raw(Port::External).await;
    let transaction = "MAIL FROM:<a@client.test>\r\nRCPT TO:<bob@example.test>\r\n\
                       RCPT TO:<nobody@example.test>\r\nDATA\r\nA: b\r\n\r\nx\r\n.\r\n";
    client
        .send(format!(
            "EHLO client.test\r\n{transaction}{transaction}QUIT\r\n"
        ))
        .await;
    for code in [
        220, 250, 250, 250, 550, 354, 250, 250, 250, 550, 354, 250, 221,
    ] {
        client.expect(code).await;
    }
    client.expect_end().await;
    assert_eq!(system.queue.accepted().len(), 2);
}

#[tokio::test]
async fn a_message_that_fills_many_reads_is_whole() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    let text = ".line of text\r\n".repeat(10_000);
    client.say("DATA", 354).await;
    client.send("A: b\r\n\r\n").await;
    client
        .send(text.replace("\r\n.", "\r\n..").replacen('.', "..", 1))
        .await;
    client.send(".\r\n").await;
    client.expect(250).await;
    let content = system.queue.only().content.unwrap();
    assert_eq!(content.text, Some(Text::Inline(text.into())));
}

#[tokio::test]
async fn a_message_without_a_header_is_text_behind_an_empty_line() {
    let system = System::start().await;
    for port in [Port::Internal, Port::External] {
        for message in ["just text\r\nmore\r\n", " indented: text\r\nmore\r\n"] {
            let mut client = system.connect(port).await;
            client.envelope("a@client.test", "bob@example.test").await;
            client.say("DATA", 354).await;
            client.send(format!("{message}.\r\n")).await;
            client.expect(250).await;
            let submission = system.queue.accepted().pop().unwrap();
            let header = header(&submission);
            let content = submission.content.unwrap();
            assert!(header.starts_with("Received: "), "{header}");
            assert!(header.ends_with("\r\n\r\n"), "{header}");
            assert_eq!(content.text, Some(Text::Inline(message.into())));
            assert_eq!(content.summary.unwrap().lines, 2);
        }
    }
}
