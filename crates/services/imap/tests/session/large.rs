//! Streamed messages, and other tests too long for a transcript.

use std::time::Duration;

use crate::client::Client;
use crate::running::Running;

fn large_message() -> Vec<u8> {
    let mut message = b"Subject: Large\r\n\r\n".to_vec();
    for line in 0..60_000_u32 {
        message.extend_from_slice(format!("line {line} of a message\r\n").as_bytes());
    }
    assert!(message.len() > 1_000_000);
    message
}

async fn literal(client: &mut Client, start: &str) -> Vec<u8> {
    let line = client.line().await.unwrap();
    let (before, size) = line.rsplit_once('{').unwrap();
    assert_eq!(before, start);
    let size = size.trim_end_matches('}').parse().unwrap();
    client.octets(size).await
}

#[tokio::test]
async fn a_large_message_comes_and_goes_octet_for_octet() {
    let running = Running::start().await;
    let mut client = running.log_in().await;
    let message = large_message();
    client
        .send(format!(
            "a APPEND INBOX (\\Flagged) {{{}}}\r\n",
            message.len()
        ))
        .await;
    client.expect("+ Go on.").await;
    client.send(&message).await;
    client.send("\r\n").await;
    client
        .expect("a OK [APPENDUID 7 1] Append completed.")
        .await;
    assert!(running.store.octets("INBOX", 1) == message);
    // The part of it in transit is bounded.
    assert!(running.store.seen().longest_piece <= 256 * 1024);

    client
        .send("b SELECT INBOX\r\nc FETCH 1 (FLAGS BODY.PEEK[] UID)\r\n")
        .await;
    while !client.line().await.unwrap().starts_with("b OK") {}
    let read = literal(&mut client, "* 1 FETCH (FLAGS (\\Flagged) BODY[] ").await;
    assert!(read == message);
    client.expect(" UID 1)").await;
    client.expect("c OK Fetch completed.").await;

    client
        .send("d FETCH 1 BODY.PEEK[TEXT]<500000.100000>\r\n")
        .await;
    let read = literal(&mut client, "* 1 FETCH (BODY[TEXT]<500000> ").await;
    let text = "Subject: Large\r\n\r\n".len();
    assert!(read == message[text + 500_000..text + 600_000]);
    client.expect(")").await;
    client.expect("d OK Fetch completed.").await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let running = Running::start_with(|config, _| config.max_message_size = 1000).await;
    let mut client = running.log_in().await;
    client.send("a APPEND INBOX {1001}\r\n").await;
    client
        .expect("a NO [TOOBIG] The message is too large.")
        .await;
    // A message sent without waiting is read and dropped.
    client.send("b APPEND INBOX {1001+}\r\n").await;
    client.send(vec![b'x'; 1001]).await;
    client.send("\r\nc NOOP\r\n").await;
    client
        .expect("b NO [TOOBIG] The message is too large.")
        .await;
    client.expect("c OK Noop completed.").await;
}

#[tokio::test]
async fn who_does_not_log_in_is_shown_out() {
    let running = Running::start_with(|config, _| config.login_timeout_seconds = 0).await;
    let mut client = running.connect().await;
    client.expect("* OK […] Postern ready.").await;
    client.expect("* BYE The login took too long.").await;
    client.expect_end().await;
}

#[tokio::test]
async fn who_keeps_talking_has_no_longer_for_the_login() {
    let running = Running::start_with(|config, _| config.login_timeout_seconds = 40).await;
    running.store.directory.state().login_delay = Duration::from_secs(50);
    let mut client = running.connect().await;
    client.expect("* OK […] Postern ready.").await;
    client.timeout = Duration::from_secs(3600);
    tokio::time::pause();
    client.send("a LOGIN bob@example.test wrong\r\n").await;
    // The client sends just before the timeout.
    tokio::time::sleep(Duration::from_secs(45)).await;
    client.send("b NOOP\r\n").await;
    client.expect("a NO [AUTHENTICATIONFAILED] …").await;
    client.expect("* BYE The login took too long.").await;
    client.expect_end_of_all().await;
}

#[tokio::test]
async fn an_idle_client_is_logged_out_in_the_end() {
    let running = Running::start_with(|config, _| config.autologout_seconds = 1).await;
    let mut client = running.log_in().await;
    client.send("a IDLE\r\n").await;
    client.expect("+ idling").await;
    client.expect("* BYE Idle for too long.").await;
    client.expect_end().await;
}

#[tokio::test]
async fn an_endless_line_costs_no_memory_and_no_connection() {
    let running = Running::start().await;
    let mut client = running.log_in().await;
    client.send("a NOOP ").await;
    for _ in 0..64 {
        client.send(vec![b'x'; 16 * 1024]).await;
    }
    client.send("\r\nb NOOP\r\n").await;
    client.expect("a BAD Line too long.").await;
    client.expect("b OK Noop completed.").await;
}

#[tokio::test]
async fn a_flood_of_commands_that_make_no_sense_ends_the_session() {
    let running = Running::start().await;
    let mut client = running.connect().await;
    client.expect("* OK […] Postern ready.").await;
    client.send("x XYZZY\r\n".repeat(30)).await;
    for _ in 0..20 {
        client.expect("x BAD Unknown command.").await;
    }
    client
        .expect("* BYE [CLIENTBUG] Too many invalid commands.")
        .await;
}

#[tokio::test]
async fn many_sessions_see_the_same_mailbox() {
    let running = Running::start().await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = running.log_in().await;
        client.send("a SELECT INBOX\r\nb IDLE\r\n").await;
        while client.line().await.unwrap() != "+ idling" {}
        clients.push(client);
    }
    running.store.forget_calls();
    running
        .store
        .deliver("INBOX", &crate::fake::messages::named("plain"));
    for client in &mut clients {
        client.expect("* 1 EXISTS").await;
        client.expect("* 1 RECENT").await;
    }
    // One call each, none while nothing changes.
    assert_eq!(running.store.calls(), 20);
}

/// The peak memory of this process so far, in octets.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.unwrap().split_ascii_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_message_that_is_asked_for_many_times_over_is_held_once() {
    const TIMES: usize = 400;
    let running = Running::start().await;
    let mut client = running.log_in().await;
    let message = [b"Subject: Often\r\n\r\n", &b"x".repeat(250_000)[..]].concat();
    running.store.deliver("INBOX", &message);
    client.send("a EXAMINE INBOX\r\n").await;
    while !client.line().await.unwrap().starts_with("a OK") {}
    let size = running.store.octets("INBOX", 1).len();
    let before = peak_memory();
    // Each item is different, so that none is a repetition; the first one fetches the whole message.
    let mut items = vec!["BODY.PEEK[]".to_owned()];
    items.extend((1..TIMES).map(|at| format!("BODY.PEEK[]<{at}.{size}>")));
    client
        .send(format!("b FETCH 1 ({})\r\n", items.join(" ")))
        .await;
    for at in 0..TIMES {
        let start = match at {
            0 => "* 1 FETCH (BODY[] ".to_owned(),
            _ => format!(" BODY[]<{at}> "),
        };
        assert_eq!(literal(&mut client, &start).await.len(), size - at);
    }
    client.expect(")").await;
    client.expect("b OK Fetch completed.").await;
    let grown = peak_memory() - before;
    assert!(grown < 32 * 1024 * 1024, "{grown} octets for {size}");
}
