#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use std::path::Path;

use tonic::body::Body;
use tonic::codegen::{Service as _, http};

use crate::certificates::Authority;
use crate::config::InternalTlsConfig;
use crate::{Channel, Endpoint, Error, Routes, Service, health, open_channel};

fn callers(path: &str) -> &'static [&'static str] {
    match path {
        "/test.Mail/Read" => &["pop3", "imap"],
        "/test.Mail/Remove" => &["imap"],
        _ => &[],
    }
}

/// A service without methods: a call that passes the check gets UNIMPLEMENTED.
async fn serve(service: &Service, listen: &str) -> tokio::task::JoinHandle<Result<(), Error>> {
    let open = service.open_grpc(listen).await.unwrap();
    tokio::spawn(open.serve(Routes::default(), callers))
}

async fn code(channel: &mut Channel, path: &str) -> tonic::Code {
    std::future::poll_fn(|cx| channel.poll_ready(cx))
        .await
        .unwrap();
    let request = http::Request::post(path)
        .header("content-type", "application/grpc")
        .body(Body::empty())
        .unwrap();
    let response = channel.call(request).await.unwrap();
    tonic::Code::from_bytes(response.headers()["grpc-status"].as_bytes())
}

const LET_THROUGH: tonic::Code = tonic::Code::Unimplemented;
const REFUSED: tonic::Code = tonic::Code::PermissionDenied;

/// Three calls: allowed to two processes, to one, to none.
async fn codes(channel: &mut Channel) -> [tonic::Code; 3] {
    let mut codes = [tonic::Code::Ok; 3];
    let paths = ["/test.Mail/Read", "/test.Mail/Remove", "/test.Mail/Forge"];
    for (path, found) in paths.into_iter().zip(&mut codes) {
        *found = code(channel, path).await;
    }
    codes
}

fn certificate(folder: &Path, authority: &Authority, names: &[&str]) -> InternalTlsConfig {
    let path = |name: &str| folder.join(format!("{}.{name}", names[0]));
    let tls = InternalTlsConfig {
        ca: path("ca"),
        certificate: path("pem"),
        key: path("key"),
    };
    authority.pair().write_certificate(&tls.ca).unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let pair = authority.issue(&names).unwrap();
    pair.write(&tls.certificate, &tls.key).unwrap();
    tls
}

#[tokio::test]
async fn over_tcp_a_process_may_call_what_its_certificate_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create().unwrap();
    let tls = |names: &[&str]| certificate(folder.path(), &authority, names);
    let mut service = Service::for_tests("queue");
    service.shared.internal_tls = Some(tls(&["queue", "localhost"]));
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let server = serve(&service, &format!("127.0.0.1:{port}")).await;
    let endpoint: Endpoint = format!("https://localhost:{port}").parse().unwrap();
    for (names, expected) in [
        (
            &["imap", "localhost"][..],
            [LET_THROUGH, LET_THROUGH, REFUSED],
        ),
        (&["pop3"], [LET_THROUGH, REFUSED, REFUSED]),
        (
            &["mail.example.test", "pop3"],
            [LET_THROUGH, REFUSED, REFUSED],
        ),
        (&["smtp-server"], [REFUSED; 3]),
        (&["imap.example.test"], [REFUSED; 3]),
        (&["localhost"], [REFUSED; 3]),
    ] {
        let own = tls(names);
        let mut channel = open_channel(std::slice::from_ref(&endpoint), Some(&own)).unwrap();
        assert_eq!(codes(&mut channel).await, expected, "{names:?}");
        // Every caller may ask for the health.
        health::check(&endpoint, Some(&own)).await.unwrap();
    }
    // The name in `user-agent` does not count here.
    let own = tls(&["pop3"]);
    let mut channel =
        super::super::open_channel_as("imap", std::slice::from_ref(&endpoint), Some(&own)).unwrap();
    assert_eq!(codes(&mut channel).await, [LET_THROUGH, REFUSED, REFUSED]);
    service.shutdown.cancel();
    drop(channel);
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn on_a_unix_socket_a_process_is_who_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("unix:{}/queue.sock", folder.path().display());
    let service = Service::for_tests("queue");
    let server = serve(&service, &listen).await;
    for (process, expected) in [
        ("imap", [LET_THROUGH, LET_THROUGH, REFUSED]),
        ("pop3", [LET_THROUGH, REFUSED, REFUSED]),
        ("smtp-server", [REFUSED; 3]),
    ] {
        let mut channel = Service::for_tests(process).channel(&listen).unwrap();
        assert_eq!(codes(&mut channel).await, expected, "{process}");
    }
    // The command line, or a tool: whoever can open the socket can read everything anyway.
    let mut channel = open_channel(&[listen.parse().unwrap()], None).unwrap();
    assert_eq!(codes(&mut channel).await, [LET_THROUGH; 3]);
    service.shutdown.cancel();
    drop(channel);
    server.await.unwrap().unwrap();
}
