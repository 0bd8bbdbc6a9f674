use api::message::v1::content::Text;

use crate::fakes::Answer;
use crate::system::{Port, System};

/// Text with dots to stuff, after a small header section.
fn text(octets: usize) -> String {
    ".a line of some length, with a dot before it\r\n".repeat(octets / 47)
}

fn stuffed(text: &str) -> String {
    format!("A: b\r\n\r\n.{}", text.replace("\r\n.", "\r\n.."))
}

#[tokio::test]
async fn a_large_text_is_uploaded_as_it_comes() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    let text = text(5 << 20);
    client.say("DATA", 354).await;
    client.send(stuffed(&text)).await;
    client.send(".\r\n").await;
    client.expect(250).await;
    let content = system.queue.only().content.unwrap();
    assert_eq!(content.text_size, text.len() as u64);
    let Some(Text::Stored(name)) = content.text else {
        panic!("not stored");
    };
    assert!(system.queue.text(&name) == text.as_bytes());
    assert_eq!(content.summary.unwrap().lines, text.lines().count() as u64);
}

#[tokio::test]
async fn the_limit_between_inline_and_upload_is_exact() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    for (octets, stored) in [(256 * 1024, false), (256 * 1024 + 1, true)] {
        client.envelope("a@client.test", "bob@example.test").await;
        client
            .send(format!(
                "BDAT {} LAST\r\n\r\n{}",
                octets + 2,
                "x".repeat(octets)
            ))
            .await;
        client.expect(250).await;
        let content = system.queue.accepted().pop().unwrap().content.unwrap();
        assert_eq!(content.text_size, octets as u64);
        assert_eq!(matches!(content.text, Some(Text::Stored(_))), stored);
    }
}

#[tokio::test]
async fn a_store_that_gives_up_is_a_refusal_at_the_end() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    system.queue.answer.send_replace(Answer::Unavailable);
    client.envelope("a@client.test", "bob@example.test").await;
    client.say("DATA", 354).await;
    client.send(stuffed(&text(5 << 20))).await;
    client.send(".\r\n").await;
    client.expect(451).await;
    system.queue.answer.send_replace(Answer::Accept);
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("", 250).await;
}

#[tokio::test]
async fn the_size_that_is_announced_is_enforced() {
    let system = System::start().await;
    let mut client = system.connect_raw(Port::External).await;
    client.expect(220).await;
    let reply = client.say("EHLO client.test", 250).await;
    assert!(reply.contains("SIZE 2097152"), "{reply}");
    client
        .say("MAIL FROM:<a@client.test> SIZE=2097153", 552)
        .await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.say("DATA", 354).await;
    client.send(stuffed(&text(3 << 20))).await;
    client.send(".\r\n").await;
    client.expect(552).await;
    // A trusted client has a larger limit.
    let mut client = system.connect_raw(Port::Internal).await;
    client.expect(220).await;
    let reply = client.say("EHLO client.test", 250).await;
    assert!(reply.contains("SIZE 104857600"), "{reply}");
    assert_eq!(*system.queue.arrived.borrow(), 0);
}

#[tokio::test]
async fn i7_a_message_of_odd_structure_is_taken_with_a_bounded_summary() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.envelope("a@client.test", "bob@example.test").await;
    let nested = format!(
        "Content-Type: message/rfc822\r\nFrom: {}\r\n\r\n",
        ":;".repeat(30_000)
    );
    client.data(nested.repeat(17), 250).await;
    let summary = system.queue.only().content.unwrap().summary.unwrap();
    let octets = summary.envelope.len() + summary.body_structure.len() + summary.body.len();
    assert!(octets < 1 << 20, "{octets}");
}
