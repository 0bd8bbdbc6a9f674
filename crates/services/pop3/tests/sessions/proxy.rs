//! Proxies that name their client in a PROXY header.

use pop3::{Config, ListenerConfig};
use service_kit::Service;
use session_io::Connection;

use crate::fake_store::FakeStore;
use crate::{Client, FrontEnd, MESSAGE, TIMEOUT};

const CLIENT: &str = "203.0.113.9";
const V1: &[u8] = b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 110\r\n";

fn v2() -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend([203, 0, 113, 9, 192, 0, 2, 1, 0xdc, 0x04, 0, 110]);
    header
}

/// All listeners behind this proxy.
fn start_behind(store: &FakeStore, proxy: &str) -> FrontEnd {
    FrontEnd::start(store, |config| {
        for listener in &mut config.listener {
            listener.proxies = vec![proxy.parse().unwrap()];
            listener.proxy_protocol = true;
        }
    })
}

async fn announced(address: std::net::SocketAddr, header: &[u8]) -> Connection {
    let mut connection = Connection::connect(address, TIMEOUT).await.unwrap();
    connection.set_timeout(TIMEOUT);
    connection.write(header).await.unwrap();
    connection
}

#[tokio::test]
async fn a_login_comes_from_the_client_that_the_header_tells() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = start_behind(&store, "127.0.0.1");
    for header in [V1.to_vec(), v2()] {
        let mut client = Client(announced(front_end.plain, &header).await);
        assert!(client.line().await.starts_with("+OK"));
        assert!(client.log_in().await.starts_with("+OK 1 "));
        client.say("QUIT").await;
        assert!(client.is_closed().await);
    }
    assert_eq!(store.directory.peers(), [CLIENT, CLIENT]);
}

#[tokio::test]
async fn tls_goes_through_the_proxy_from_the_first_octet_behind_the_header_or_by_stls() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = start_behind(&store, "127.0.0.0/8");
    let tls = &front_end.client_tls;
    for (address, stls) in [(front_end.implicit, false), (front_end.stls, true)] {
        let mut client = Client(announced(address, &v2()).await);
        if stls {
            assert!(client.line().await.starts_with("+OK"));
            assert!(client.say("STLS").await.starts_with("+OK"));
        }
        client.0.start_client_tls(tls, "localhost").await.unwrap();
        if !stls {
            assert!(client.line().await.starts_with("+OK"));
        }
        assert!(client.log_in().await.starts_with("+OK 1 "));
        client.say("QUIT").await;
        assert!(client.is_closed().await);
    }
    assert_eq!(store.directory.peers(), [CLIENT, CLIENT]);
}

#[tokio::test]
async fn a_header_from_elsewhere_is_not_believed() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = start_behind(&store, "192.0.2.0/24");
    let mut client = Client(announced(front_end.plain, V1).await);
    assert!(client.line().await.starts_with("+OK"));
    assert!(client.line().await.starts_with("-ERR"));
    assert!(client.log_in().await.starts_with("+OK 1 "));
    assert_eq!(store.directory.peers(), ["127.0.0.1"]);
}

#[tokio::test]
async fn a_proxy_without_header_is_closed_and_one_that_names_nobody_is_the_peer_itself() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = start_behind(&store, "127.0.0.1");
    let mut client = Client(announced(front_end.plain, b"CAPA\r\n").await);
    assert!(client.is_closed().await);
    let mut client = Client(announced(front_end.plain, b"PROXY UNKNOWN\r\n").await);
    assert!(client.line().await.starts_with("+OK"));
    assert!(client.log_in().await.starts_with("+OK 1 "));
    assert_eq!(store.directory.peers(), ["127.0.0.1"]);
}

#[tokio::test]
async fn proxies_that_could_not_be_believed_keep_the_process_from_starting() {
    let mut service = Service::for_tests("pop3");
    service.shared.endpoints.mailbox_store = Some("unix:/nowhere".to_owned());
    for (proxies, header) in [(vec![], true), (vec!["::/0"], true), (vec!["::1"], false)] {
        let mut config = Config::default();
        config.listener.push(ListenerConfig {
            proxies: proxies.iter().map(|text| text.parse().unwrap()).collect(),
            proxy_protocol: header,
            ..ListenerConfig::at("127.0.0.1:0".parse().unwrap())
        });
        let Err(error) = pop3::start(&config, &service) else {
            panic!("it started");
        };
        assert!(error.to_string().contains("proxies"), "{error}");
    }
}
