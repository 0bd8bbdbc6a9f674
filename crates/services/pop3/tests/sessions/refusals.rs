//! Logins and handshakes that fail are told to the queue.

use api::queue::v1::refusals_server::RefusalsServer;
use fakes::FakeRefusals;
use service_kit::{Routes, Service};
use session_io::Connection;
use tempfile::TempDir;

use crate::fake_store::FakeStore;
use crate::{FrontEnd, TIMEOUT};

/// What the front end needs: the store, and the folder with the queue's socket.
type Behind = (FakeStore, TempDir);

/// The front end before a queue that keeps refusals.
fn start() -> (FrontEnd, FakeRefusals, Behind) {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("unix:{}", folder.path().join("queue.sock").display());
    let refusals = FakeRefusals::new();
    let (queue, listen) = (Service::for_tests("queue"), endpoint.clone());
    let routes = Routes::new(RefusalsServer::new(refusals.clone()));
    tokio::spawn(async move { queue.serve_grpc(&listen, routes).await });
    let store = FakeStore::start(&[]);
    let front_end = FrontEnd::start_with(&store, |_, service| {
        service.shared.endpoints.queue = Some(endpoint);
    });
    (front_end, refusals, (store, folder))
}

#[tokio::test]
async fn a_failed_login_is_reported_with_the_name_that_was_tried() {
    let (front_end, refusals, _behind) = start();
    let mut client = front_end.client().await;
    client.say("USER eve@example.test").await;
    assert!(client.say("PASS wrong").await.starts_with("-ERR [AUTH]"));
    let told = refusals.told(1).await;
    assert_eq!(told[0].login, "eve@example.test");
    assert_eq!(told[0].verdict, "login-failed");
    assert_eq!(told[0].peer_address, "127.0.0.1");
    assert!(told[0].listener.starts_with("pop3 127.0.0.1:"));
}

#[tokio::test]
async fn a_login_before_tls_is_reported_with_the_name_that_was_tried() {
    let (front_end, refusals, _behind) = start();
    let mut client = FrontEnd::client_of(front_end.stls).await;
    let answer = client.say("USER eve@example.test").await;
    assert_eq!(answer, "-ERR [AUTH] Start TLS first.");
    let told = refusals.told(1).await;
    assert_eq!(told[0].login, "eve@example.test");
    assert_eq!(told[0].verdict, "login-without-tls");
    assert!(told[0].reasons[0].contains("not encrypted"), "{told:?}");
}

#[tokio::test]
async fn unknown_mechanisms_and_malformed_responses_are_reported() {
    let (front_end, refusals, _behind) = start();
    let mut client = front_end.client().await;
    assert!(client.say("AUTH CRAM-MD5").await.starts_with("-ERR"));
    assert!(client.say("AUTH PLAIN !!!").await.starts_with("-ERR"));
    assert!(client.say("AUTH PLAIN a b").await.starts_with("-ERR"));
    // A connection ends after some failed logins.
    let mut client = front_end.client().await;
    assert!(client.say("AUTH PLAIN").await.starts_with('+'));
    assert!(client.say("!!!").await.starts_with("-ERR"));
    let told = refusals.told(4).await;
    let count = |verdict: &str| {
        let rows = told.iter().filter(|row| row.verdict == verdict);
        rows.map(|row| row.count).sum::<u64>()
    };
    assert_eq!(count("mechanism-not-offered"), 1);
    assert_eq!(count("malformed-login"), 3);
    assert!(told.iter().any(|row| row.reasons[0].contains("CRAM-MD5")));
}

#[tokio::test]
async fn a_handshake_that_comes_to_nothing_is_reported() {
    let (front_end, refusals, _behind) = start();
    let implicit = Connection::connect(front_end.implicit, TIMEOUT);
    let mut implicit = implicit.await.unwrap();
    implicit.write(b"this is no handshake\r\n").await.unwrap();
    let mut client = FrontEnd::client_of(front_end.stls).await;
    assert!(client.say("STLS").await.starts_with("+OK"));
    client.send("nor is this").await;
    let told = refusals.told(2).await;
    for row in &told {
        assert_eq!(row.verdict, "tls-handshake");
        assert!(row.reasons[0].contains("no TLS"), "{row:?}");
    }
}
