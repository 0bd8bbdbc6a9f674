//! Many idle clients, and clients that come after them.

use session_io::Connection;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::client::Client;
use crate::running::{Running, TIMEOUT};
use crate::tls;

/// Sets these numbers of connections, in total and before the login; idle clients can be replaced at once.
fn limit(config: &mut imap::Config, places: usize, before_login: usize) {
    config.max_connections = places;
    config.max_connections_before_login = before_login;
    config.make_room_after_seconds = 0;
}

/// A client that has read its greeting. Earlier clients may need a moment until they wait and can be
/// replaced.
async fn greeted(running: &Running) -> Client {
    let greeted = async {
        loop {
            let mut client = running.connect().await;
            let greeting = client.line().await.unwrap();
            if greeting.starts_with("* OK ") {
                return client;
            }
            assert!(greeting.starts_with("* BYE [UNAVAILABLE] "), "{greeting}");
        }
    };
    test_kit::in_time("a newcomer gets a place and is greeted", greeted).await
}

async fn log_in(client: &mut Client) {
    client.send("a LOGIN bob@example.test secret\r\n").await;
    client.expect("a OK […] Logged in.").await;
}

#[tokio::test]
async fn who_says_nothing_makes_room_and_is_told_so() {
    let running = Running::start_with(|config, _| limit(config, 3, 3)).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(greeted(&running).await);
    }
    // Single octets and commands other than a login do not keep a connection.
    silent[0].send("a").await;
    for _ in 0..3 {
        let mut honest = greeted(&running).await;
        log_in(&mut honest).await;
        honest.send("b NOOP\r\n").await;
        honest.expect("b OK Noop completed.").await;
        honest.send("c LOGOUT\r\n").await;
        honest.expect("* BYE Logging out.").await;
        honest.expect("c OK Logout completed.").await;
    }
    silent[0].expect("* BYE [UNAVAILABLE] …").await;
    silent.remove(0).expect_end().await;
}

#[tokio::test]
async fn strangers_do_not_drive_out_who_has_logged_in() {
    let running = Running::start_with(|config, _| limit(config, 4, 2)).await;
    let mut known = greeted(&running).await;
    log_in(&mut known).await;
    let mut idling = greeted(&running).await;
    log_in(&mut idling).await;
    idling.send("b IDLE\r\n").await;
    idling.expect("+ idling").await;
    let mut strangers = Vec::new();
    for _ in 0..8 {
        strangers.push(greeted(&running).await);
    }
    known.send("b NOOP\r\n").await;
    known.expect("b OK Noop completed.").await;
    idling.send("DONE\r\n").await;
    idling.expect("b OK Idle completed.").await;
    let mut honest = greeted(&running).await;
    log_in(&mut honest).await;
}

#[tokio::test]
async fn handshakes_that_do_not_come_make_room_too() {
    let (running, client_tls, _folder) = tls::start_with(imap::TlsMode::Implicit, |config| {
        limit(config, 2, 2);
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..6 {
        silent.push(TcpStream::connect(running.address).await.unwrap());
    }
    let connected = async {
        loop {
            let name = "mail.example.test";
            let connecting = Connection::connect_tls(running.address, name, &client_tls, TIMEOUT);
            // A client that was refused because none waited yet is closed.
            if let Ok(connection) = connecting.await {
                return connection;
            }
        }
    };
    let what = "a newcomer gets the place of a handshake that does not come";
    let mut honest = test_kit::in_time(what, connected).await;
    tls::read_to(&mut honest, "ready").await;
    let line = b"a LOGIN bob@example.test secret\r\n";
    honest.write(line).await.unwrap();
    tls::read_to(&mut honest, "a OK").await;
    // Before TLS there is nothing to say.
    let mut said = Vec::new();
    let _ = silent[0].read_to_end(&mut said).await;
    assert!(said.is_empty(), "{said:?}");
}
