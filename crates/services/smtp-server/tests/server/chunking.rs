use api::message::v1::content::Text;

use crate::system::{Port, System};

#[tokio::test]
async fn chunks_make_a_message_as_they_are() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.send("BDAT 10\r\nA: b\r\n\r\n.\r").await;
    client.expect(250).await;
    client.send("BDAT 1\r\n\nBDAT 3 LAST\r\n.\r\n").await;
    client.expect(250).await;
    client.expect(250).await;
    let content = system.queue.only().content.unwrap();
    assert_eq!(content.text, Some(Text::Inline(".\r\n.\r\n".into())));
}

#[tokio::test]
async fn a_chunk_that_may_not_come_is_skipped() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.send("BDAT 6 LAST\r\nQUIT\r\n").await;
    client.expect(503).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<x@elsewhere.test>", 550).await;
    client.send("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n").await;
    client.expect(503).await;
    client.expect(250).await;
}

#[tokio::test]
async fn a_chunk_of_unknown_length_ends_the_connection() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client
        .send("BDAT -1 LAST\r\nMAIL FROM:<evil@client.test>\r\n")
        .await;
    client.expect(501).await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_client_that_stops_between_chunks_leaves_nothing() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.send("BDAT 3\r\nx\r\n").await;
    client.expect(250).await;
    client.say("RSET", 250).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.send("BDAT 3\r\ny\r\nBDAT 10 LAST\r\nz").await;
    client.expect(250).await;
    client.half_close().await;
    client.expect_end().await;
    assert_eq!(*system.queue.arrived.borrow(), 0);
}

#[tokio::test]
async fn the_chunk_that_crosses_the_limit_is_refused_and_those_behind_it_are_skipped() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.envelope("a@client.test", "bob@example.test").await;
    let chunk = format!("{}\r\n", "x".repeat(98)).repeat(15_000);
    client
        .send(format!("BDAT {}\r\n{chunk}", chunk.len()))
        .await;
    client.expect(250).await;
    client
        .send(format!("BDAT {}\r\n{chunk}", chunk.len()))
        .await;
    client
        .send("BDAT 3\r\nx\r\nBDAT 3 LAST\r\ny\r\nNOOP\r\n")
        .await;
    for code in [552, 503, 503, 250] {
        client.expect(code).await;
    }
    assert_eq!(*system.queue.arrived.borrow(), 0);
}

#[tokio::test]
async fn bare_line_feeds_are_refused_in_chunks_too() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.send("BDAT 4 LAST\r\na\nb\n").await;
    client.expect(550).await;
    client.say("NOOP", 250).await;
}
