#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use super::*;
use crate::Service;
use crate::certificates::Authority;
use crate::grpc::Routes;

fn unix(path: &Path) -> Endpoint {
    Endpoint::Unix(path.to_owned())
}

/// Starts a process with a health service at this endpoint, and waits until it answers.
async fn start(
    name: &'static str,
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
) -> Service {
    let mut service = Service::for_tests(name);
    service.shared.internal_tls = tls.cloned();
    let (running, listen) = (service.clone(), endpoint.to_string());
    tokio::spawn(async move { running.serve_grpc(&listen, Routes::default()).await });
    while survey(name, endpoint, tls).await != [Condition::Serving] {
        tokio::task::yield_now().await;
    }
    service
}

fn internal_tls(folder: &Path) -> InternalTlsConfig {
    let tls = InternalTlsConfig {
        ca: folder.join("ca.pem"),
        certificate: folder.join("internal.pem"),
        key: folder.join("internal.key"),
    };
    let authority = Authority::create().unwrap();
    let pair = authority.issue(&["queue".to_owned(), EVERYBODY.to_owned()]);
    pair.unwrap().write(&tls.certificate, &tls.key).unwrap();
    authority.pair().write_certificate(&tls.ca).unwrap();
    tls
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn at(host: &str, port: u16) -> Endpoint {
    Endpoint::Tcp {
        host: host.to_owned(),
        port,
    }
}

#[tokio::test]
async fn a_process_is_known_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let socket = unix(&folder.path().join("health.sock"));
    let _running = start("imap", &socket, None).await;
    assert_eq!(survey("imap", &socket, None).await, [Condition::Serving]);
    // In a container each process has such a socket, and sees only its own.
    assert_eq!(
        survey("delivery", &socket, None).await,
        [Condition::Unreachable(
            "another process answers there".to_owned()
        )]
    );
}

#[tokio::test]
async fn where_nobody_listens_the_process_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let tls = internal_tls(folder.path());
    let gone = folder.path().join("gone.sock");
    drop(std::os::unix::net::UnixListener::bind(&gone).unwrap());
    for endpoint in [
        unix(&folder.path().join("never.sock")),
        unix(&gone),
        at("127.0.0.1", free_port()),
    ] {
        let found = survey("queue", &endpoint, Some(&tls)).await;
        assert!(
            matches!(found[..], [Condition::Down(_)]),
            "{endpoint}: {found:?}"
        );
    }
}

#[tokio::test]
async fn what_has_no_address_here_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let tls = internal_tls(folder.path());
    // RFC 6761 §6.4: never in any DNS.
    let nowhere = at("queue.invalid", 7101);
    for tls in [Some(&tls), None] {
        let found = survey("queue", &nowhere, tls).await;
        assert!(
            matches!(found[..], [Condition::Unreachable(_)]),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn a_name_of_two_families_is_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let tls = internal_tls(folder.path());
    // `localhost` may also be ::1, where nothing listens.
    let port = free_port();
    let _running = start("queue", &at("127.0.0.1", port), Some(&tls)).await;
    let found = survey("queue", &at("localhost", port), Some(&tls)).await;
    assert_eq!(found, [Condition::Serving]);
}
