//! Connections over real loopback sockets.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use session_io::{ClientTls, Connection, ServerTls, SessionError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Both ends of a connection.
async fn pair() -> (Connection, Connection) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) =
        tokio::join!(Connection::connect(address, TIME_LIMIT), listener.accept());
    (
        Connection::new(accepted.unwrap().0).unwrap(),
        client.unwrap(),
    )
}

/// A server's TLS for `localhost`, and the PEM text of its certificate.
fn server_tls() -> (Arc<ServerTls>, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerTls::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into(),
        )
        .unwrap();
    (Arc::new(tls), cert.pem())
}

async fn read_to(connection: &mut Connection, length: usize) {
    while connection.input().len() < length {
        assert_ne!(connection.fill().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn bytes_go_both_ways_and_the_end_is_seen() {
    let (mut server, mut client) = pair().await;
    assert_eq!(server.peer(), client.local());
    client.output().extend_from_slice(b"NOOP\r\n");
    client.flush().await.unwrap();
    read_to(&mut server, 6).await;
    assert_eq!(&server.input().split()[..], b"NOOP\r\n");
    server.write(b"250 OK\r\n").await.unwrap();
    read_to(&mut client, 8).await;
    client.close().await.unwrap();
    assert_eq!(server.fill().await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_queued_goes_before_large_bytes_and_nothing_is_kept() {
    let (mut server, mut client) = pair().await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let expected = [b"* 1 FETCH ".as_slice(), &body, b")\r\n"].concat();
    let sender = tokio::spawn(async move {
        server.output().extend_from_slice(b"* 1 FETCH ");
        server.write(&body).await.unwrap();
        server.write(b")\r\n").await.unwrap();
        server
    });
    read_to(&mut client, expected.len()).await;
    assert_eq!(client.input(), &expected);
    assert!(sender.await.unwrap().output().is_empty());
}

#[tokio::test]
async fn a_connection_that_waits_holds_no_buffers() {
    let (mut server, mut client) = pair().await;
    client.output().extend_from_slice(b"NOOP\r\n");
    client.flush().await.unwrap();
    read_to(&mut server, 6).await;
    server.input().clear();
    let waited = tokio::time::timeout(Duration::from_millis(20), server.fill()).await;
    assert!(waited.is_err());
    assert_eq!(server.input().capacity(), 0);
    // What arrives afterwards is read all the same.
    client.write(b"QUIT\r\n").await.unwrap();
    read_to(&mut server, 6).await;
    assert_eq!(server.input(), b"QUIT\r\n".as_slice());
}

#[tokio::test]
async fn a_silent_peer_and_one_that_does_not_read_run_out_of_time() {
    let (mut server, _client) = pair().await;
    server.set_timeout(Duration::from_millis(20));
    assert!(matches!(server.fill().await, Err(SessionError::Timeout)));
    let endless = vec![0; 64 << 20];
    assert!(matches!(
        server.write(&endless).await,
        Err(SessionError::Timeout)
    ));
}

#[tokio::test]
async fn starttls_protects_and_a_verified_server_is_the_one_that_was_meant() {
    let (tls, authority) = server_tls();
    let (mut server, mut client) = pair().await;
    let client_tls = ClientTls::verified_by(authority.as_bytes()).unwrap();
    let (accepted, connected) = tokio::join!(
        server.start_tls(&tls),
        client.start_client_tls(&client_tls, "localhost")
    );
    accepted.unwrap();
    connected.unwrap();
    assert_eq!(server.tls(), client.tls());
    assert_eq!(server.tls().unwrap().version, "TLSv1.3");

    let body = vec![b'x'; 500_000];
    let (sent, ()) = tokio::join!(client.write(&body), read_to(&mut server, body.len()));
    sent.unwrap();
    server.input().clear();
    let waited = tokio::time::timeout(Duration::from_millis(20), server.fill()).await;
    assert!(waited.is_err());
    assert_eq!(server.input().capacity(), 0);
    let (closed, end) = tokio::join!(client.close(), server.fill());
    closed.unwrap();
    assert_eq!(end.unwrap(), 0);
}

#[tokio::test]
async fn a_server_by_another_name_or_authority_is_refused_unless_any_will_do() {
    let (tls, authority) = server_tls();
    let by_authority = ClientTls::verified_by(authority.as_bytes()).unwrap();
    for (client_tls, name, good) in [
        (by_authority, "other.test", false),
        (ClientTls::verified().unwrap(), "localhost", false),
        (ClientTls::opportunistic().unwrap(), "127.0.0.1", true),
    ] {
        let (mut server, mut client) = pair().await;
        let (_, connected) = tokio::join!(
            server.start_tls(&tls),
            client.start_client_tls(&client_tls, name)
        );
        assert_eq!(connected.is_ok(), good, "{name}: {connected:?}");
        assert_eq!(client.is_tls(), good);
        if !good {
            assert!(client.write(b"secret").await.is_err());
        }
    }
}

#[tokio::test]
async fn plaintext_sent_behind_starttls_never_reaches_the_protected_session() {
    let (tls, _) = server_tls();
    let (mut server, mut client) = pair().await;
    client.write(b"STLS\r\nDELE 1\r\n").await.unwrap();
    read_to(&mut server, 14).await;
    let line = server.input().split_to(6);
    assert_eq!(&line[..], b"STLS\r\n");
    let client_tls = ClientTls::opportunistic().unwrap();
    let (accepted, connected) = tokio::join!(
        server.start_tls(&tls),
        client.start_client_tls(&client_tls, "localhost")
    );
    accepted.unwrap();
    connected.unwrap();
    client.write(b"NOOP\r\n").await.unwrap();
    read_to(&mut server, 6).await;
    assert_eq!(server.input(), b"NOOP\r\n".as_slice());
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_ends_the_connection_and_nothing_else() {
    let (tls, _) = server_tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut raw = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let mut server = Connection::new(listener.accept().await.unwrap().0).unwrap();
    raw.write_all(b"EHLO me\r\n").await.unwrap();
    assert!(matches!(
        server.start_tls(&tls).await,
        Err(SessionError::Tls(_))
    ));
    assert!(server.fill().await.is_err());
    drop(server);
    let mut rest = Vec::new();
    // The alert, then the end or a reset.
    let _ = raw.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn what_was_said_last_arrives_although_the_peer_went_on_sending() {
    let (mut server, client) = pair().await;
    let mut client = client;
    client.output().extend_from_slice(&[b'x'; 100_000]);
    client.flush().await.unwrap();
    server.output().extend_from_slice(b"421 Enough\r\n");
    server.flush().await.unwrap();
    let read = async {
        while client.fill().await.unwrap() != 0 {}
        let said = client.input().split();
        client.close().await.unwrap();
        said
    };
    let (closed, said) = tokio::join!(server.close(), read);
    closed.unwrap();
    assert_eq!(&said[..], b"421 Enough\r\n");
}

#[tokio::test]
async fn a_shutdown_is_seen_during_a_handshake_and_during_a_flush_but_leaves_time_for_the_last_word()
 {
    let (tls, _) = server_tls();
    let (mut server, _silent) = pair().await;
    let shutdown = CancellationToken::new();
    server.watch(shutdown.clone());
    let (shaken, ()) = tokio::join!(server.start_tls(&tls), async { shutdown.cancel() });
    assert!(matches!(shaken, Err(SessionError::ShuttingDown)));

    let (mut server, mut client) = pair().await;
    server.watch(shutdown.clone());
    server.write(b"421 Closing\r\n").await.unwrap();
    read_to(&mut client, 13).await;
    // Nobody reads this: it is given up long before the connection's own 5 minutes.
    let endless = vec![0; 64 << 20];
    assert!(matches!(
        server.write(&endless).await,
        Err(SessionError::ShuttingDown)
    ));
}

#[tokio::test]
async fn both_ends_of_a_protected_session_know_the_same_bindings() {
    let (tls, pem) = server_tls();
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let (client, server) = tokio::join!(
        async {
            let socket = TcpStream::connect(address).await.unwrap();
            connector
                .connect("localhost".try_into().unwrap(), socket)
                .await
                .unwrap()
        },
        async {
            let mut server = Connection::new(listener.accept().await.unwrap().0).unwrap();
            assert!(!server.bindings().is_some());
            server.start_tls(&tls).await.unwrap();
            server
        }
    );
    let exported = client
        .get_ref()
        .1
        .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""))
        .unwrap();
    let bindings = server.bindings();
    assert_eq!(bindings.exporter.as_deref(), Some(exported.as_slice()));
    // rcgen signs with ECDSA and SHA-256.
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &certificate);
    assert_eq!(bindings.server_end_point.as_deref(), Some(hash.as_ref()));
}

#[tokio::test]
async fn who_goes_before_the_handshake_has_begun_is_told_from_who_fails_at_it() {
    let (tls, _) = server_tls();
    for (said, is_fault) in [(&b""[..], false), (b"GET / HTTP/1.0\r\n\r\n", true)] {
        let (mut server, mut client) = pair().await;
        client.write(said).await.unwrap();
        client.close().await.unwrap();
        let failed = server.start_tls(&tls).await;
        let told = matches!(failed, Err(SessionError::Tls(_)));
        assert_eq!(told, is_fault, "{failed:?}");
    }
}
