//! Proxies that name their client in a PROXY header.

use api::queue::v1::refusals_server::RefusalsServer;
use fakes::FakeRefusals;
use imap::{Config, ListenerConfig, TlsMode};
use service_kit::{Routes, Service};
use session_io::Connection;

use crate::client::Client;
use crate::running::{Running, TIMEOUT};
use crate::tls;

const CLIENT: &str = "203.0.113.9";
const V1: &[u8] = b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 143\r\n";

/// The same in version 2, with the TLV that reports the client's TLS to the proxy (PP2_TYPE_SSL).
fn v2() -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14".to_vec();
    header.extend([203, 0, 113, 9, 192, 0, 2, 1, 0xdc, 0x04, 0, 143]);
    header.extend([0x20, 0, 5, 1, 0, 0, 0, 0]);
    header
}

fn behind(listener: &mut ListenerConfig, proxy: &str) {
    listener.proxies = vec![proxy.parse().unwrap()];
    listener.proxy_protocol = true;
}

async fn start_behind(proxy: &str) -> Running {
    Running::start_with(|config, _| behind(&mut config.listener[0], proxy)).await
}

async fn log_in(client: &mut Client) {
    client.expect("* OK […] Postern ready.").await;
    client.send("a LOGIN bob@example.test secret\r\n").await;
    client.expect("a OK […] Logged in.").await;
}

#[tokio::test]
async fn a_login_comes_from_the_client_that_the_header_tells() {
    let running = start_behind("127.0.0.1").await;
    for header in [V1.to_vec(), v2()] {
        let mut client = running.connect().await;
        // Commands may follow in the same segment.
        client.send([&header[..], b"x NOOP\r\n"].concat()).await;
        client.expect("* OK […] Postern ready.").await;
        client.expect("x OK …").await;
        client.send("a LOGIN bob@example.test secret\r\n").await;
        client.expect("a OK […] Logged in.").await;
    }
    assert_eq!(running.store.directory.peers(), [CLIENT, CLIENT]);
}

#[tokio::test]
async fn tls_that_ends_in_the_proxy_comes_as_plain_text_behind_the_header() {
    let running = Running::start_with(|config, _| {
        let listener = &mut config.listener[0];
        behind(listener, "127.0.0.0/8");
        listener.tls = TlsMode::None;
    })
    .await;
    let mut client = running.connect().await;
    client.send(v2()).await;
    log_in(&mut client).await;
    assert_eq!(running.store.directory.peers(), [CLIENT]);
}

/// A TLS connection that begins after the header.
async fn announced(running: &Running) -> Connection {
    let mut connection = Connection::connect(running.address, TIMEOUT).await.unwrap();
    connection.write(&v2()).await.unwrap();
    connection
}

#[tokio::test]
async fn tls_goes_through_the_proxy_from_the_first_octet_behind_the_header_or_by_starttls() {
    for mode in [TlsMode::Implicit, TlsMode::Starttls] {
        let change = |config: &mut Config| behind(&mut config.listener[0], "127.0.0.1");
        let (running, client_tls, _folder) = tls::start_with(mode, change).await;
        let mut connection = announced(&running).await;
        if mode == TlsMode::Starttls {
            tls::read_to(&mut connection, "ready").await;
            connection.write(b"s STARTTLS\r\n").await.unwrap();
            tls::read_to(&mut connection, "s OK").await;
        }
        let name = "mail.example.test";
        connection
            .start_client_tls(&client_tls, name)
            .await
            .unwrap();
        if mode == TlsMode::Implicit {
            tls::read_to(&mut connection, "ready").await;
        }
        let line = b"a LOGIN bob@example.test secret\r\n";
        connection.write(line).await.unwrap();
        tls::read_to(&mut connection, "a OK").await;
        assert_eq!(running.store.directory.peers(), [CLIENT]);
    }
}

#[tokio::test]
async fn a_header_from_elsewhere_is_not_believed() {
    let running = start_behind("192.0.2.0/24").await;
    let mut client = running.connect().await;
    client.send(V1).await;
    client.expect("* OK […] Postern ready.").await;
    client.expect("PROXY BAD …").await;
    client.send("a LOGIN bob@example.test secret\r\n").await;
    client.expect("a OK […] Logged in.").await;
    assert_eq!(running.store.directory.peers(), ["127.0.0.1"]);
}

#[tokio::test]
async fn a_proxy_without_header_is_closed_and_one_that_names_nobody_is_the_peer_itself() {
    let running = start_behind("127.0.0.1").await;
    let mut client = running.connect().await;
    client.send("a NOOP\r\n").await;
    client.expect_end().await;
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for header in [&b"PROXY UNKNOWN\r\n"[..], &local[..]] {
        let mut client = running.connect().await;
        client.send(header).await;
        log_in(&mut client).await;
    }
    assert_eq!(running.store.directory.peers(), ["127.0.0.1"; 2]);
}

#[tokio::test]
async fn the_limit_of_an_address_is_that_of_the_client_and_of_nobody_else() {
    let running = Running::start_with(|config, _| {
        behind(&mut config.listener[0], "127.0.0.1");
        config.max_connections_per_address = 1;
    })
    .await;
    let connect = |client: &'static str| {
        let running = &running;
        async move {
            let mut connection = running.connect().await;
            let header = format!("PROXY TCP4 {client} 192.0.2.1 1 143\r\n");
            connection.send(header).await;
            connection
        }
    };
    let mut one = connect("203.0.113.1").await;
    one.expect("* OK […] Postern ready.").await;
    let mut two = connect("203.0.113.2").await;
    two.expect("* OK […] Postern ready.").await;
    let mut again = connect("203.0.113.1").await;
    again.expect("* BYE [UNAVAILABLE] …").await;
}

#[tokio::test]
async fn a_failed_login_is_reported_of_the_client() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("unix:{}", folder.path().join("queue.sock").display());
    let refusals = FakeRefusals::new();
    let (queue, listen) = (Service::for_tests("queue"), endpoint.clone());
    let routes = Routes::new(RefusalsServer::new(refusals.clone()));
    tokio::spawn(async move { queue.serve_grpc(&listen, routes).await });
    let running = Running::start_with(|config, service| {
        behind(&mut config.listener[0], "127.0.0.1");
        service.shared.endpoints.queue = Some(endpoint);
    })
    .await;
    let mut client = running.connect().await;
    client.send(V1).await;
    client.expect("* OK […] Postern ready.").await;
    client.send("a LOGIN eve@example.test wrong\r\n").await;
    client.expect("a NO [AUTHENTICATIONFAILED] …").await;
    assert_eq!(refusals.told(1).await[0].peer_address, CLIENT);
}

#[tokio::test]
async fn proxies_that_could_not_be_believed_keep_the_process_from_starting() {
    let wrong = |proxies: &[&str], header| {
        let mut config = Config::default();
        config.listener.push(ListenerConfig {
            proxies: proxies.iter().map(|text| text.parse().unwrap()).collect(),
            proxy_protocol: header,
            ..ListenerConfig::at("127.0.0.1:0".parse().unwrap())
        });
        config
    };
    for config in [
        wrong(&[], true),
        wrong(&["0.0.0.0/0"], true),
        // IMAP has no other way to name a client.
        wrong(&["127.0.0.1"], false),
    ] {
        let mut service = Service::for_tests("imap");
        service.shared.endpoints.mailbox_store = Some("unix:/nowhere".to_owned());
        let Err(error) = imap::start(&config, &service) else {
            panic!("it started");
        };
        assert!(error.to_string().contains("proxies"), "{error}");
    }
}
