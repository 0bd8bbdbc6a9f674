use crate::system::{Port, System};

#[tokio::test]
async fn unknown_commands_are_counted_and_then_it_is_enough() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.send("GARBAGE in\r\n".repeat(1000)).await;
    for _ in 0..10 {
        client.expect(500).await;
    }
    client.expect(421).await;
    client.expect_end().await;
}

#[tokio::test]
async fn octets_that_are_no_text_are_answered() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.send(b"NOOP \0\r\n").await;
    client.expect(500).await;
    client.send(b"MAIL FROM:<\xff\xfe@client.test>\r\n").await;
    client.expect(500).await;
    client.send(b"NOOP\n").await;
    client.expect(500).await;
    client.send("X".repeat(1_000_000)).await;
    client.send("\r\n").await;
    client.expect(500).await;
    client.say("NOOP", 250).await;
}

#[tokio::test]
async fn a_message_with_a_bare_line_feed_is_refused_and_what_follows_is_no_command() {
    let system = System::start().await;
    for bad in ["a\n.\r\nb", "a\r\n.\nb", "a\n\n.\n\nb", "a\rb", "a\0b"] {
        let mut client = system.connect(Port::Internal).await;
        client.envelope("a@client.test", "bob@example.test").await;
        let smuggled = "MAIL FROM:<evil@client.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nx";
        client.data(format!("{bad}\r\n{smuggled}"), 550).await;
        client.say("QUIT", 221).await;
    }
    assert_eq!(*system.queue.arrived.borrow(), 0);
}

#[tokio::test]
async fn a_client_that_goes_in_the_middle_of_a_message_leaves_nothing() {
    let system = System::start().await;
    for last in [
        "",
        "A: b\r\n\r\ntext",
        "A: b\r\n\r\ntext\r\n.",
        "A: b\r\n\r\ntext\r\n.\r",
    ] {
        let mut client = system.connect(Port::Internal).await;
        client.envelope("a@client.test", "bob@example.test").await;
        client.say("DATA", 354).await;
        client.send(last).await;
        client.half_close().await;
        client.expect_end().await;
    }
    assert_eq!(*system.queue.arrived.borrow(), 0);
}

#[tokio::test]
async fn a_half_closed_connection_gets_its_answers() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client
        .send(
            "MAIL FROM:<a@client.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n\
             A: b\r\n\r\nx\r\n.\r\n",
        )
        .await;
    client.half_close().await;
    for code in [250, 250, 354, 250] {
        client.expect(code).await;
    }
    client.expect_end().await;
    assert_eq!(system.queue.accepted().len(), 1);
}

#[tokio::test]
async fn a_header_section_without_end_is_refused() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("X: y\r\n".repeat(100_000), 552).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("X: y\r\n\r\n", 250).await;
}

#[tokio::test]
async fn a_message_that_runs_in_a_circle_is_refused() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("Received: x\r\n".repeat(99), 250).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("Received: x\r\n".repeat(100), 554).await;
}

#[tokio::test]
async fn a_header_section_of_too_many_fields_is_refused() {
    let system = System::start_with(crate::system::POLICY, |config| {
        config.max_header_fields = 20;
    })
    .await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    // With this server's own Received field.
    client
        .data(format!("{}\r\n", "X: y\r\n".repeat(19)), 250)
        .await;
    client.envelope("a@client.test", "bob@example.test").await;
    client
        .data(format!("{}\r\n", "X: y\r\n".repeat(20)), 552)
        .await;
    // A field that would be removed counts too: it is counted first.
    let forged = "Authentication-Results: mail.example.test; spf=pass\r\n";
    let mut stranger = system.connect(Port::External).await;
    stranger.envelope("a@client.test", "bob@example.test").await;
    stranger
        .data(format!("{}\r\n", forged.repeat(21)), 552)
        .await;
}
