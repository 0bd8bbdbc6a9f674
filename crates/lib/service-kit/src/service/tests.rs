#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::certificates::Authority;
use crate::config::InternalTlsConfig;
use crate::health;

/// Asks until the answer is the expected one: a listener opens a moment after its task was spawned.
async fn until(endpoint: &Endpoint, tls: Option<&InternalTlsConfig>, healthy: bool) {
    let asking = async {
        while health::check(endpoint, tls).await.is_ok() != healthy {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asking)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_service_is_well_from_its_first_answer_until_its_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.sock");
    let listen = format!("unix:{}", path.display());
    let endpoint: Endpoint = listen.parse().unwrap();
    let service = Service::for_tests("queue");
    assert!(health::check(&endpoint, None).await.is_err());

    let running = service.clone();
    let server = tokio::spawn(async move { running.serve_grpc(&listen, Routes::default()).await });
    until(&endpoint, None, true).await;
    service.shutdown.cancel();
    server.await.unwrap().unwrap();
    assert!(health::check(&endpoint, None).await.is_err());
    assert!(!path.exists());
}

#[tokio::test]
async fn a_front_end_is_not_well_before_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("unix:{}", folder.path().join("pop3.sock").display());
    let endpoint: Endpoint = listen.parse().unwrap();
    let service = Service::for_tests("pop3");
    let running = service.clone();
    let server = tokio::spawn(async move { running.serve_health(&listen).await });
    let answered = async {
        loop {
            let error = health::check(&endpoint, None)
                .await
                .unwrap_err()
                .to_string();
            if error.contains("it is starting") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), answered)
        .await
        .unwrap();
    service.ready();
    until(&endpoint, None, true).await;
    service.shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_channel_finds_a_service_that_was_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("unix:{}", folder.path().join("queue.sock").display());
    let channel = Service::for_tests("pop3").channel(&listen).unwrap();
    let mut client = tonic_health::pb::health_client::HealthClient::new(channel);
    for _ in 0..2 {
        let service = Service::for_tests("queue");
        let (running, at) = (service.clone(), listen.clone());
        let server = tokio::spawn(async move { running.serve_grpc(&at, Routes::default()).await });
        until(&listen.parse().unwrap(), None, true).await;
        // The first call may still use the connection that the restart broke.
        let request = || tonic_health::pb::HealthCheckRequest::default();
        if client.check(request()).await.is_err() {
            client.check(request()).await.unwrap();
        }
        service.shutdown.cancel();
        server.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn streams_that_are_held_and_streams_that_are_dropped_hold_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!(
        "unix:{}",
        folder.path().join("mailbox-store.sock").display()
    );
    let service = Service::for_tests("mailbox-store");
    let (running, at) = (service.clone(), listen.clone());
    let server = tokio::spawn(async move { running.serve_grpc(&at, Routes::default()).await });
    until(&listen.parse().unwrap(), None, true).await;

    let channel = service.channel(&listen).unwrap();
    let mut client = tonic_health::pb::health_client::HealthClient::new(channel);
    let request = tonic_health::pb::HealthCheckRequest::default;
    let busy = async {
        let mut held = Vec::new();
        for _ in 0..500 {
            held.push(client.watch(request()).await.unwrap());
            // The answer is not awaited: the stream is reset before it is accepted.
            let mut other = client.clone();
            drop(tokio::spawn(async move { other.watch(request()).await }).abort_handle());
        }
        client.check(request()).await.unwrap();
    };
    tokio::time::timeout(Duration::from_secs(20), busy)
        .await
        .unwrap();
    service.shutdown.cancel();
    drop(client);
    server.await.unwrap().unwrap();
}

fn internal_tls(folder: &Path, authority: &Authority, name: &str) -> InternalTlsConfig {
    let tls = InternalTlsConfig {
        ca: folder.join(format!("{name}-ca.crt")),
        certificate: folder.join(format!("{name}.crt")),
        key: folder.join(format!("{name}.key")),
    };
    std::fs::write(&tls.ca, authority.pair().certificate).unwrap();
    let names = [name.to_owned(), "localhost".to_owned()];
    let pair = authority.issue(&names).unwrap();
    pair.write(&tls.certificate, &tls.key).unwrap();
    tls
}

#[tokio::test]
async fn services_on_tcp_know_each_other_by_their_authority() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create().unwrap();
    let mut service = Service::for_tests("queue");
    service.shared.internal_tls = Some(internal_tls(folder.path(), &authority, "queue"));
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let running = service.clone();
    let server = tokio::spawn(async move {
        let listen = format!("127.0.0.1:{port}");
        running.serve_grpc(&listen, Routes::default()).await
    });

    let endpoint: Endpoint = format!("https://localhost:{port}").parse().unwrap();
    let friend = internal_tls(folder.path(), &authority, "delivery");
    until(&endpoint, Some(&friend), true).await;

    // The server refuses unknown clients, and the client refuses an unknown server.
    let strangers = Authority::create().unwrap();
    let mut stranger = internal_tls(folder.path(), &strangers, "stranger");
    assert!(health::check(&endpoint, Some(&stranger)).await.is_err());
    stranger.ca.clone_from(&friend.ca);
    assert!(health::check(&endpoint, Some(&stranger)).await.is_err());
    assert!(health::check(&endpoint, None).await.is_err());

    // A renewed certificate, even of another authority, is used without a restart.
    let renewed = Authority::create().unwrap();
    internal_tls(folder.path(), &renewed, "queue");
    assert!(health::check(&endpoint, Some(&friend)).await.is_err());
    let friend = internal_tls(folder.path(), &renewed, "delivery");
    health::check(&endpoint, Some(&friend)).await.unwrap();

    service.shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn tcp_without_certificates_is_refused() {
    let service = Service::for_tests("queue");
    let served = service.serve_grpc("127.0.0.1:0", Routes::default()).await;
    assert!(served.unwrap_err().to_string().contains("internal-tls"));
}
