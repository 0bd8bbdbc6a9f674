//! Failed logins are reported to the queue, and nobody waits for that.

use api::queue::v1::refusals_server::RefusalsServer;
use fakes::FakeRefusals;
use imap::TlsMode;
use service_kit::config::TlsConfig;
use service_kit::{Routes, Service};
use tempfile::TempDir;
use test_kit::TestCertificate;

use crate::running::Running;

/// The front end with a queue that stores refusals. The folder has the queue's socket.
async fn start(change: impl FnOnce(&mut imap::Config)) -> (Running, FakeRefusals, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("unix:{}", folder.path().join("queue.sock").display());
    let refusals = FakeRefusals::new();
    let (queue, listen) = (Service::for_tests("queue"), endpoint.clone());
    let routes = Routes::new(RefusalsServer::new(refusals.clone()));
    tokio::spawn(async move { queue.serve_grpc(&listen, routes).await });
    let certificate = TestCertificate::for_names(&["mail.example.test"]);
    let (chain, key, _) = certificate.write_to(folder.path());
    let running = Running::start_with(|config, service| {
        service.shared.endpoints.queue = Some(endpoint);
        service.shared.tls = Some(TlsConfig {
            certificate: chain,
            key,
        });
        change(config);
    })
    .await;
    (running, refusals, folder)
}

#[tokio::test]
async fn a_login_above_the_users_limit_is_reported() {
    let (running, refusals, _folder) = start(|config| config.max_connections_per_user = 1).await;
    let _first = running.log_in().await;
    let mut second = running.connect().await;
    second.expect("* OK […] Postern ready.").await;
    second.send("a LOGIN bob@example.test secret\r\n").await;
    second.expect("a NO [LIMIT] …").await;
    let told = refusals.told(1).await;
    assert_eq!(told[0].verdict, "login-too-many-connections");
    assert_eq!(told[0].login, "bob@example.test");
    assert_eq!(told[0].peer_address, "127.0.0.1");
    assert!(told[0].listener.starts_with("imap 127.0.0.1:"));
}

#[tokio::test]
async fn a_failed_login_is_reported_with_the_name_that_was_tried() {
    let (running, refusals, _folder) = start(|_| {}).await;
    let mut client = running.connect().await;
    client.expect("* OK […] Postern ready.").await;
    for name in ["eve@example.test", "{8}\r\neve\x1b[31m"] {
        client.send(format!("a LOGIN {name} wrong\r\n")).await;
        if name.starts_with('{') {
            client.expect("+ Go on.").await;
        }
        client.expect("a NO [AUTHENTICATIONFAILED] …").await;
    }
    let mut told: Vec<_> = refusals.told(2).await;
    told.sort_by(|a, b| a.login.cmp(&b.login));
    let names: Vec<_> = told.iter().map(|row| row.login.as_str()).collect();
    assert_eq!(names, ["eve\x1b[31m", "eve@example.test"]);
    for row in &told {
        assert_eq!(row.verdict, "login-failed");
        assert_eq!(row.peer_address, "127.0.0.1");
        assert!(row.listener.starts_with("imap 127.0.0.1:"), "{row:?}");
    }
}

#[tokio::test]
async fn a_login_before_tls_is_reported_with_the_name_that_was_tried() {
    let (running, refusals, _folder) = start(|config| {
        config.listener[0].tls = TlsMode::Starttls;
        config.listener[0].plaintext_auth = false;
    })
    .await;
    let mut client = running.connect().await;
    client.expect("* OK […] Postern ready.").await;
    client.send("a LOGIN bob@example.test secret\r\n").await;
    client.expect("a NO [PRIVACYREQUIRED] …").await;
    client.send("b AUTHENTICATE PLAIN\r\n").await;
    client.expect("b NO [PRIVACYREQUIRED] …").await;
    let mut told = refusals.told(2).await;
    told.sort_by(|a, b| a.login.cmp(&b.login));
    let names: Vec<_> = told.iter().map(|row| row.login.as_str()).collect();
    assert_eq!(names, ["", "bob@example.test"]);
    for row in &told {
        assert_eq!(row.verdict, "login-without-tls");
        assert_eq!(row.peer_address, "127.0.0.1");
        assert!(row.reasons[0].contains("not encrypted"), "{row:?}");
    }
}

#[tokio::test]
async fn unknown_mechanisms_and_malformed_responses_are_reported() {
    let (running, refusals, _folder) = start(|config| config.max_bad_commands = 4).await;
    let mut client = running.connect().await;
    client.expect("* OK […] Postern ready.").await;
    client.send("a AUTHENTICATE CRAM-MD5\r\n").await;
    client.expect("a NO …").await;
    client.send("b AUTHENTICATE PLAIN !!!\r\n").await;
    client.expect("b BAD …").await;
    client.send("c AUTHENTICATE PLAIN\r\n").await;
    client.expect("+ …").await;
    client.send("!!!\r\n").await;
    client.expect("c BAD …").await;
    // It is bounded: whoever goes on is sent away.
    client.send("d AUTHENTICATE CRAM-MD5\r\n").await;
    client.expect("* BYE …").await;
    client.expect("d NO …").await;
    let told = refusals.told(4).await;
    let count = |verdict: &str| {
        let rows = told.iter().filter(|row| row.verdict == verdict);
        rows.map(|row| row.count).sum::<u64>()
    };
    assert_eq!(count("mechanism-not-offered"), 2);
    assert_eq!(count("malformed-login"), 2);
    assert!(told.iter().any(|row| row.reasons[0].contains("CRAM-MD5")));
}

#[tokio::test]
async fn a_handshake_that_comes_to_nothing_is_reported() {
    for mode in [TlsMode::Implicit, TlsMode::Starttls] {
        let (running, refusals, _folder) = start(|config| config.listener[0].tls = mode).await;
        let mut client = running.connect().await;
        if mode == TlsMode::Starttls {
            client.expect("* OK […] Postern ready.").await;
            client.send("a STARTTLS\r\n").await;
            client.expect("a OK …").await;
        }
        client.send("this is no handshake\r\n").await;
        let told = refusals.told(1).await;
        assert_eq!(told[0].verdict, "tls-handshake");
        assert!(told[0].reasons[0].contains("no TLS"), "{told:?}");
    }
}

#[tokio::test]
async fn without_a_queue_logins_fail_all_the_same() {
    let running = Running::start_with(|_, service| {
        service.shared.endpoints.queue = Some("unix:/nonexistent/queue.sock".to_owned());
    })
    .await;
    let mut client = running.connect().await;
    client.expect("* OK […] Postern ready.").await;
    client.send("a LOGIN eve@example.test wrong\r\n").await;
    client.expect("a NO [AUTHENTICATIONFAILED] …").await;
    client.send("b LOGIN bob@example.test secret\r\n").await;
    client.expect("b OK […] Logged in.").await;
}
