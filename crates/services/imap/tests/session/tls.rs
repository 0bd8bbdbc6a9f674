//! STARTTLS and implicit TLS; no password is sent in plain text.

use imap::{Config, TlsMode};
use service_kit::config::TlsConfig;
use session_io::{ClientTls, Connection};
use tempfile::TempDir;
use test_kit::TestCertificate;

use crate::running::{Running, TIMEOUT};

async fn start(mode: TlsMode) -> (Running, ClientTls, TempDir) {
    start_with(mode, |_| {}).await
}

pub(crate) async fn start_with(
    mode: TlsMode,
    change: impl FnOnce(&mut Config),
) -> (Running, ClientTls, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let certificate = TestCertificate::for_names(&["mail.example.test"]);
    let (chain, key, _) = certificate.write_to(folder.path());
    let running = Running::start_with(|config, service| {
        config.listener[0].tls = mode;
        config.listener[0].plaintext_auth = false;
        service.shared.tls = Some(TlsConfig {
            certificate: chain,
            key,
        });
        change(config);
    })
    .await;
    let tls = ClientTls::verified_by(certificate.authority.as_bytes()).unwrap();
    (running, tls, folder)
}

/// Reads up to the end of a line with this text.
pub(crate) async fn read_to(connection: &mut Connection, text: &str) -> String {
    loop {
        let all = String::from_utf8_lossy(connection.input()).into_owned();
        if all.contains(text) && all.ends_with('\n') {
            connection.input().clear();
            return all;
        }
        assert_ne!(connection.fill().await.unwrap(), 0, "closed after {all:?}");
    }
}

#[tokio::test]
async fn passwords_are_taken_over_tls_only() {
    let (running, tls, _folder) = start(TlsMode::Starttls).await;
    let mut connection = Connection::connect(running.address, TIMEOUT).await.unwrap();
    let greeting = read_to(&mut connection, "ready").await;
    assert!(greeting.contains("STARTTLS LOGINDISABLED"), "{greeting}");
    for command in ["LOGIN bob@example.test secret", "AUTHENTICATE PLAIN"] {
        let line = format!("a {command}\r\n");
        connection.write(line.as_bytes()).await.unwrap();
        read_to(&mut connection, "a NO [PRIVACYREQUIRED]").await;
    }
    // Commands sent in plain text after STARTTLS are never executed.
    let line = b"b STARTTLS\r\nc NOOP\r\n";
    connection.write(line).await.unwrap();
    read_to(&mut connection, "b OK").await;
    connection
        .start_client_tls(&tls, "mail.example.test")
        .await
        .unwrap();
    connection.write(b"d CAPABILITY\r\n").await.unwrap();
    let said = read_to(&mut connection, "d OK").await;
    assert!(said.starts_with("* CAPABILITY"), "{said}");
    assert!(
        said.contains("AUTH=PLAIN") && !said.contains("STARTTLS"),
        "{said}"
    );
    let line = b"e LOGIN bob@example.test secret\r\nf STARTTLS\r\n";
    connection.write(line).await.unwrap();
    let said = read_to(&mut connection, "f BAD").await;
    assert!(said.contains("e OK"), "{said}");
}

#[tokio::test]
async fn tls_from_the_first_octet() {
    let (running, tls, _folder) = start(TlsMode::Implicit).await;
    let mut connection =
        Connection::connect_tls(running.address, "mail.example.test", &tls, TIMEOUT)
            .await
            .unwrap();
    read_to(&mut connection, "ready").await;
    let line = b"a LOGIN bob@example.test secret\r\n";
    connection.write(line).await.unwrap();
    read_to(&mut connection, "a OK").await;
}
