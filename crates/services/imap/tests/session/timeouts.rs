//! A store that falls silent in the middle of an answer. The clock stands still except during waits, so that
//! each wait has its full length but takes no time.

use std::time::Duration;

use crate::client::Client;
use crate::fake::messages;
use crate::running::Running;

/// Longer than any timeout of the front end.
const LONG: Duration = Duration::from_secs(3600);

/// A client with INBOX open, of four messages, and a store that has fallen silent.
async fn before_a_silent_store(running: &Running) -> Client {
    for _ in 0..3 {
        running.store.deliver("INBOX", &messages::named("plain"));
    }
    let large = format!("Subject: Large\r\n\r\n{}", "x\r\n".repeat(200_000));
    running.store.deliver("INBOX", large.as_bytes());
    let mut client = running.log_in().await;
    client.send("a EXAMINE INBOX\r\n").await;
    while !client.line().await.unwrap().starts_with("a OK") {}
    running.store.faults().stalled = true;
    client.timeout = LONG;
    tokio::time::pause();
    client
}

#[tokio::test]
async fn a_list_of_messages_that_goes_on_never_is_given_up() {
    let running = Running::start().await;
    let mut client = before_a_silent_store(&running).await;
    client.send("b FETCH 1:3 RFC822.SIZE\r\n").await;
    client.expect("* 1 FETCH (RFC822.SIZE 186)").await;
    client.expect("* 2 FETCH (RFC822.SIZE 186)").await;
    client.expect("b NO [UNAVAILABLE] …").await;
    client.send("c SELECT INBOX\r\nd NOOP\r\n").await;
    client.expect("c NO [UNAVAILABLE] …").await;
    client.expect("d OK Noop completed.").await;
}

#[tokio::test]
async fn a_message_that_goes_on_never_ends_the_connection() {
    let running = Running::start().await;
    let mut client = before_a_silent_store(&running).await;
    client.send("b FETCH 4 BODY.PEEK[TEXT]\r\n").await;
    client.expect("* 4 FETCH (BODY[TEXT] {600000}").await;
    // A tagged response would be read as part of the message.
    client.octets(100_000).await;
    client.expect_end_of_all().await;
}
