//! Proxies: which ones may name their client, and the consequences.

use crate::client::Client;
use crate::system::{POLICY, Port, System, header};

const TRUSTING: &str = r#"
[[trust]]
name = "branch"
action = "trust"
where = { network = ["203.0.113.0/25", "127.0.0.0/8"] }

[[domain]]
name = "example.test"
deliver = "mailboxes"
"#;

async fn announced(system: &System, port: Port, header: impl AsRef<[u8]>) -> Client {
    let mut client = system.connect_raw(port).await;
    client.send(header).await;
    client
}

async fn greeted(client: &mut Client) -> String {
    client.expect(220).await;
    client.say("EHLO client.test", 250).await
}

/// 250 for a trusted session, 550 for others.
async fn relays(client: &mut Client, code: u16) {
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<x@elsewhere.test>", code).await;
    client.say("RSET", 250).await;
}

fn v2(address: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend(address);
    header.extend([192, 0, 2, 1, 0, 99, 0, 25]);
    header
}

#[tokio::test]
async fn trust_log_and_trace_go_by_the_address_that_the_header_tells() {
    let system = System::start_with(TRUSTING, |_| {}).await;
    let v1 = |address: &str| format!("PROXY TCP4 {address} 192.0.2.1 99 25\r\n").into_bytes();
    for (header, code) in [
        (v1("203.0.113.9"), 250),
        (v1("203.0.113.200"), 550),
        (v2([203, 0, 113, 9]), 250),
        (v2([203, 0, 113, 200]), 550),
    ] {
        let mut client = announced(&system, Port::Proxied, header).await;
        greeted(&mut client).await;
        relays(&mut client, code).await;
    }
    let mut client = announced(&system, Port::Proxied, v2([203, 0, 113, 200])).await;
    greeted(&mut client).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("text", 250).await;
    let submission = system.queue.only();
    let header = header(&submission);
    let origin = submission.origin.unwrap();
    assert_eq!(origin.peer_address, "203.0.113.200");
    assert_eq!(origin.trust, "external-listener");
    assert!(header.contains("[203.0.113.200]"), "{header}");
}

#[tokio::test]
async fn the_header_may_come_with_what_follows_it() {
    let system = System::start().await;
    let all = [&v2([203, 0, 113, 9])[..], b"EHLO client.test\r\nQUIT\r\n"].concat();
    let mut client = announced(&system, Port::Proxied, all).await;
    client.expect(220).await;
    client.expect(250).await;
    client.expect(221).await;
}

#[tokio::test]
async fn a_proxy_without_header_is_closed_and_one_that_names_nobody_is_trusted_for_nothing() {
    let system = System::start_with(TRUSTING, |_| {}).await;
    let mut client = announced(&system, Port::Proxied, "EHLO client.test\r\n").await;
    client.expect_end().await;
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for header in [&b"PROXY UNKNOWN\r\n"[..], &local[..]] {
        let mut client = announced(&system, Port::Proxied, header).await;
        greeted(&mut client).await;
        relays(&mut client, 550).await;
    }
}

#[tokio::test]
async fn a_header_or_xclient_from_elsewhere_is_not_believed() {
    let system = System::start_with(TRUSTING, |config| {
        for port in [Port::Proxied, Port::Xclient] {
            config.listener[port as usize].proxies = vec!["192.0.2.0/24".parse().unwrap()];
        }
    })
    .await;
    for port in [Port::Proxied, Port::Xclient, Port::External] {
        let header = "PROXY TCP4 203.0.113.200 192.0.2.1 99 25\r\n";
        let mut client = announced(&system, port, header).await;
        client.expect(220).await;
        client.expect(500).await;
        let offered = client.say("EHLO client.test", 250).await;
        assert!(!offered.contains("XCLIENT"), "{offered}");
        client.say("XCLIENT ADDR=203.0.113.200", 550).await;
        // The peer is the client itself.
        relays(&mut client, 250).await;
    }
}

#[tokio::test]
async fn the_client_behind_a_header_cannot_say_xclient() {
    let system = System::start().await;
    for header in [
        "PROXY TCP4 203.0.113.9 192.0.2.1 99 25\r\n",
        "PROXY TCP4 127.0.0.1 192.0.2.1 99 25\r\n",
        "PROXY UNKNOWN\r\n",
    ] {
        let mut client = announced(&system, Port::Proxied, header).await;
        let offered = greeted(&mut client).await;
        assert!(!offered.contains("XCLIENT"), "{offered}");
        client.say("XCLIENT ADDR=10.0.0.1", 550).await;
    }
}

#[tokio::test]
async fn tls_from_the_first_octet_begins_behind_the_header() {
    let system = System::start_with(POLICY, |config| {
        let listener = &mut config.listener[Port::Submissions as usize];
        listener.proxies = vec!["127.0.0.1".parse().unwrap()];
        listener.proxy_protocol = true;
    })
    .await;
    let client = announced(&system, Port::Submissions, v2([203, 0, 113, 9])).await;
    let mut client = client.start_tls(&system.certificate).await;
    greeted(&mut client).await;
}

#[tokio::test]
async fn xclient_begins_the_session_anew_with_the_client_that_it_tells_of() {
    let system = System::start_with(TRUSTING, |_| {}).await;
    let mut client = system.connect_raw(Port::Xclient).await;
    let offered = greeted(&mut client).await;
    assert!(offered.contains("XCLIENT ADDR LOGIN DESTADDR"), "{offered}");
    client
        .say("XCLIENT ADDR=203.0.113.200 NAME=client.test", 220)
        .await;
    client.say("MAIL FROM:<a@client.test>", 503).await;
    let offered = client.say("EHLO client.test", 250).await;
    assert!(!offered.contains("XCLIENT"), "{offered}");
    relays(&mut client, 550).await;
    // Later commands come from the client, which must not change its identity.
    client.say("XCLIENT ADDR=203.0.113.9", 550).await;
    relays(&mut client, 550).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data("text", 250).await;
    let origin = system.queue.only().origin.unwrap();
    assert_eq!(origin.peer_address, "203.0.113.200");
}

#[tokio::test]
async fn a_proxy_that_has_not_said_xclient_is_trusted_for_nothing() {
    let system = System::start_with(TRUSTING, |config| {
        config.listener[Port::Xclient as usize].class = rules::ListenerClass::Internal;
    })
    .await;
    let mut client = system.connect(Port::Xclient).await;
    relays(&mut client, 550).await;
    client.say("XCLIENT ADDR=203.0.113.200", 220).await;
    client.say("EHLO client.test", 250).await;
    // Its client is trusted, since the listener's class is internal.
    relays(&mut client, 250).await;
}

#[tokio::test]
async fn a_login_that_the_proxy_took_counts_and_an_unknown_address_does_not() {
    let system = System::start_with(TRUSTING, |_| {}).await;
    let mut client = system.connect(Port::Xclient).await;
    let told = "XCLIENT ADDR=203.0.113.200 LOGIN=bob+40example.test";
    client.say(told, 220).await;
    client.say("EHLO client.test", 250).await;
    client.say("AUTH PLAIN AGJvYgBzZWNyZXQ=", 503).await;
    client
        .envelope("bob@example.test", "x@elsewhere.test")
        .await;

    let mut client = system.connect(Port::Xclient).await;
    client.say("XCLIENT ADDR=[UNAVAILABLE]", 220).await;
    client.say("EHLO client.test", 250).await;
    relays(&mut client, 550).await;
}

#[tokio::test]
async fn the_limit_of_an_address_is_that_of_the_client() {
    let system = System::start_with(POLICY, |config| config.max_connections_per_address = 1).await;
    let mut open = Vec::new();
    for client in ["203.0.113.1", "203.0.113.2"] {
        let mut proxy = system.connect(Port::Xclient).await;
        proxy.say(&format!("XCLIENT ADDR={client}"), 220).await;
        open.push(proxy);
    }
    let mut proxy = system.connect(Port::Xclient).await;
    proxy.say("XCLIENT ADDR=203.0.113.1", 421).await;
    proxy.expect_end().await;
    let header = "PROXY TCP4 203.0.113.1 192.0.2.1 99 25\r\n";
    let mut first = announced(&system, Port::Proxied, header).await;
    first.expect(220).await;
    let mut second = announced(&system, Port::Proxied, header).await;
    second.expect(421).await;
}

#[tokio::test]
async fn proxies_are_named_or_the_process_does_not_start() {
    use smtp_server::{Config, ListenerConfig};
    let wrong = |networks: &[&str], header| {
        let listener = ListenerConfig {
            proxies: networks.iter().map(|n| n.parse().unwrap()).collect(),
            proxy_protocol: header,
            ..crate::system::listener_on_any_port()
        };
        Config {
            listener: vec![listener],
            ..Config::default()
        }
    };
    for config in [wrong(&[], true), wrong(&["10.0.0.1", "0.0.0.0/0"], false)] {
        let mut service = service_kit::Service::for_tests("smtp-server");
        service.shared.endpoints.queue = Some("unix:/nowhere".to_owned());
        service.shared.endpoints.mailbox_store = Some("unix:/nowhere".to_owned());
        let Err(error) = smtp_server::start(&config, &service) else {
            panic!("it started");
        };
        assert!(error.to_string().contains("proxies"), "{error}");
    }
}

#[tokio::test]
async fn on_a_listener_of_no_class_the_interface_decides() {
    let system = System::start().await;
    let mut client = system.connect(Port::Auto).await;
    relays(&mut client, 250).await;
    let external = r#"[{ network = "127.0.0.0/8", class = "external" }]"#;
    let system = System::start_with(POLICY, |config| {
        #[derive(serde::Deserialize)]
        struct File {
            interface: Vec<rules::InterfaceSetting>,
        }
        let text = format!("interface = {external}");
        config.interface = toml::from_str::<File>(&text).unwrap().interface;
    })
    .await;
    let mut client = system.connect(Port::Auto).await;
    relays(&mut client, 550).await;
}

#[tokio::test]
async fn rates_of_connections_count_the_client_and_never_the_proxy() {
    let rates =
        "rates = [{ count = \"connections\", per = \"address\", limit = 1, every = \"1 day\" }]";
    let policy = POLICY.replace("max-size", &format!("{rates}\nmax-size"));
    let system = System::start_with(&policy, |_| {}).await;
    for client in ["203.0.113.1", "203.0.113.2"] {
        let mut proxy = system.connect(Port::Xclient).await;
        proxy.say(&format!("XCLIENT ADDR={client}"), 220).await;
    }
    let mut proxy = system.connect(Port::Xclient).await;
    proxy.say("XCLIENT ADDR=203.0.113.1", 421).await;
    proxy.expect_end().await;
    let mut client = announced(&system, Port::Proxied, v2([203, 0, 113, 2])).await;
    client.expect(421).await;
}
