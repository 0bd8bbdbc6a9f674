//! Clients that disconnect while the store works for them.

use tokio::time::timeout;

use crate::client::Client;
use crate::fake::messages;
use crate::running::{Running, TIMEOUT};

/// A client with a running SEARCH.
async fn searching(running: &Running) -> Client {
    running.store.deliver("INBOX", &messages::named("plain"));
    let mut client = running.log_in().await;
    client.send("a EXAMINE INBOX\r\n").await;
    while !client.line().await.unwrap().starts_with("a OK") {}
    running.store.hold_searches(true);
    client.send("b SEARCH TEXT nothing\r\n").await;
    searches(running, 1).await;
    client
}

/// Waits until the store runs this many searches.
async fn searches(running: &Running, count: usize) {
    let mut searches = running.store.searches();
    let reached = timeout(TIMEOUT, searches.wait_for(|now| *now == count)).await;
    reached.expect("the number of searches stays").unwrap();
}

#[tokio::test]
async fn a_search_ends_when_its_client_has_gone() {
    let running = Running::start().await;
    let client = searching(&running).await;
    drop(client);
    searches(&running, 0).await;
}

#[tokio::test]
async fn a_client_that_has_only_said_all_gets_its_answer() {
    let running = Running::start().await;
    let mut client = searching(&running).await;
    client.close_write().await;
    client.expect("* OK Still working.").await;
    running.store.hold_searches(false);
    loop {
        let line = client.line().await.unwrap();
        if line.starts_with("b OK ") {
            break;
        }
        assert!(line.starts_with("* "), "{line}");
    }
}
