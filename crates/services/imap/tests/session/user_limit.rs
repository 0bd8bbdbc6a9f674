//! The number of concurrent connections of a user.

use crate::client::Client;
use crate::running::Running;

/// With this maximum per user; a connection may try to log in any number of times.
async fn start(limit: usize) -> Running {
    Running::start_with(|config, _| {
        config.max_connections_per_user = limit;
        config.max_failed_logins = u32::MAX;
    })
    .await
}

/// A client that has read its greeting.
async fn greeted(running: &Running) -> Client {
    let mut client = running.connect().await;
    client.expect("* OK […] Postern ready.").await;
    client
}

async fn is_refused(client: &mut Client) {
    client.send("x LOGIN bob@example.test secret\r\n").await;
    let refusal = "x NO [LIMIT] Too many connections of this user.";
    client.expect(refusal).await;
}

async fn is_let_in(client: &mut Client, user: &str) {
    client.send(format!("y LOGIN {user} secret\r\n")).await;
    client.expect("y OK […] Logged in.").await;
}

#[tokio::test]
async fn one_connection_too_many_is_refused_and_can_still_be_used() {
    let running = start(2).await;
    let mut first = running.log_in().await;
    let _second = running.log_in().await;
    let mut third = greeted(&running).await;
    is_refused(&mut third).await;
    // AUTHENTICATE PLAIN with the same user.
    let plain = "AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0";
    third
        .send(format!("a AUTHENTICATE PLAIN {plain}\r\n"))
        .await;
    third.expect("a NO [LIMIT] …").await;
    third.send("b SELECT INBOX\r\n").await;
    third.expect("b BAD Command not valid in this state.").await;
    third.send("c NOOP\r\n").await;
    third.expect("c OK Noop completed.").await;
    // Other users are not refused, and existing sessions continue.
    is_let_in(&mut third, "alice@example.test").await;
    first.send("d NOOP\r\n").await;
    first.expect("d OK Noop completed.").await;
}

#[tokio::test]
async fn a_logout_gives_the_place_back_before_it_is_answered() {
    let running = start(1).await;
    let mut first = running.log_in().await;
    let mut second = greeted(&running).await;
    is_refused(&mut second).await;
    first.send("a LOGOUT\r\n").await;
    first.expect("* BYE Logging out.").await;
    first.expect("a OK Logout completed.").await;
    is_let_in(&mut second, "bob@example.test").await;
}

#[tokio::test]
async fn a_connection_that_is_dropped_gives_the_place_back() {
    let running = start(1).await;
    let mut first = running.log_in().await;
    let mut second = greeted(&running).await;
    is_refused(&mut second).await;
    // In the middle of a command, without LOGOUT.
    first.send("a IDLE\r\n").await;
    first.expect("+ idling").await;
    drop(first);
    test_kit::in_time("the place is free again", async {
        loop {
            second.send("b LOGIN bob@example.test secret\r\n").await;
            let answer = second.line().await.unwrap();
            if answer.starts_with("b OK ") {
                break;
            }
            assert!(answer.starts_with("b NO [LIMIT] "), "{answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_goes_on_trying_is_sent_away_as_after_wrong_passwords() {
    let running = Running::start_with(|config, _| {
        config.max_connections_per_user = 1;
        config.max_failed_logins = 2;
    })
    .await;
    let _first = running.log_in().await;
    let mut second = greeted(&running).await;
    is_refused(&mut second).await;
    second.send("x LOGIN bob@example.test secret\r\n").await;
    second.expect("* BYE Too many failed logins.").await;
    second.expect("x NO [LIMIT] …").await;
    second.expect_end().await;
}
