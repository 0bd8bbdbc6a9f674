use crate::system::{Port, System};

#[tokio::test]
async fn recipients_over_the_limit_wait_for_another_transaction() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    for n in 0..100 {
        client
            .say(&format!("RCPT TO:<user{n}@silent.test>"), 250)
            .await;
    }
    client.say("RCPT TO:<user100@silent.test>", 452).await;
    client.data("", 250).await;
    assert_eq!(system.queue.only().recipients.len(), 100);
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let system = System::start_with(crate::system::POLICY, |config| {
        config.max_connections_per_address = 2
    })
    .await;
    // A connection that was closed may take a moment to be forgotten.
    let mut open = Vec::new();
    while open.len() < 2 {
        let mut client = system.connect_raw(Port::Internal).await;
        if client.reply().await.0 == 220 {
            open.push(client);
        }
    }
    let mut third = system.connect_raw(Port::Internal).await;
    third.expect(421).await;
    third.expect_end().await;
    open.remove(0).say("QUIT", 221).await;
    while system.connect_raw(Port::Internal).await.reply().await.0 != 220 {}
}

#[tokio::test]
async fn who_says_nothing_is_sent_away() {
    let system = System::start_with(crate::system::POLICY, |config| {
        config.command_timeout_seconds = 1;
        config.data_timeout_seconds = 1;
    })
    .await;
    let mut client = system.connect(Port::Internal).await;
    client.expect(421).await;
    client.expect_end().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.say("DATA", 354).await;
    client.send("A: b\r\n").await;
    client.expect(421).await;
    client.expect_end().await;
    assert_eq!(*system.queue.arrived.borrow(), 0);
}

#[tokio::test]
async fn a_connection_has_its_share_of_messages() {
    let system = System::start_with(crate::system::POLICY, |config| {
        config.max_messages_per_connection = 2;
    })
    .await;
    let mut client = system.connect(Port::Internal).await;
    for _ in 0..2 {
        client.envelope("a@client.test", "bob@example.test").await;
        client.data("", 250).await;
    }
    client.say("MAIL FROM:<a@client.test>", 421).await;
    client.expect_end().await;
}

#[tokio::test]
async fn refusals_are_counted() {
    let system = System::start_with(crate::system::POLICY, |config| config.max_refusals = 3).await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    for _ in 0..3 {
        client.say("RCPT TO:<x@elsewhere.test>", 550).await;
    }
    client.expect(421).await;
    client.expect_end().await;
}
