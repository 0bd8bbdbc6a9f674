//! The directory of other crates' tests says of logins what this service says.

use api::directory::v1::LoginRefusal;
use api::directory::v1::directory_client::DirectoryClient;
use api::directory::v1::directory_server::DirectoryServer;
use api::grpc::Channel;
use api::login::{ClientConnection, Login, Step};
use fakes::FakeDirectory;
use sasl::{Bindings, Initiation, Mechanisms, Response};
use service_kit::{Endpoint, Routes, Service};
use test_kit::SaslClient;

use super::running::Running;

const BOB: &str = "bob@example.test";
const EXPORTED: &[u8] = b"exported";

/// What a login comes to.
#[derive(Debug, PartialEq)]
enum End {
    Accepted(String),
    Refused(LoginRefusal, String),
}

async fn log_in(
    directory: &DirectoryClient<Channel>,
    mechanism: &str,
    login: &str,
    secret: &str,
) -> End {
    let connection = ClientConnection {
        service: "imap",
        peer: [192, 0, 2, 1].into(),
        tls: true,
        bindings: Bindings {
            exporter: Some(EXPORTED.to_vec()),
            server_end_point: None,
        },
        certificate: vec!["nobody@example.test".to_owned(), BOB.to_owned()],
    };
    let mut client = SaslClient::new(mechanism, login, secret).bound_to(EXPORTED);
    let initiation = Initiation {
        mechanism: Mechanisms::ALL.named(mechanism).unwrap(),
        initial: (!client.waits()).then(|| Response::new(client.respond(b""))),
    };
    let begun = Login::begin(directory.clone(), &connection, initiation).await;
    let (mut under_way, mut step) = begun.unwrap();
    loop {
        step = match step {
            Step::Challenge(challenge) => {
                let response = Response::new(client.respond(&challenge));
                under_way.respond(response).await.unwrap()
            }
            Step::Accepted(accepted) => return End::Accepted(accepted.address),
            Step::Refused(refused) => return End::Refused(refused.why(), refused.login),
        }
    }
}

#[tokio::test]
async fn a_login_ends_alike_in_the_fake_and_in_the_service() {
    let url = test_kit::Postgres::start().database().await;
    let mut running = Running::start(url).await;
    running.add_user(BOB).await;
    let fake = FakeDirectory::new(&[(BOB, "secret")]);
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("unix:{}", folder.path().join("fake.sock").display());
    let service = Service::for_tests("fake");
    let (shutdown, served_at) = (service.shutdown.clone(), listen.clone());
    let routes = Routes::new(DirectoryServer::new(fake));
    tokio::spawn(async move { service.serve_grpc(&served_at, routes).await.unwrap() });
    let endpoint: Endpoint = listen.parse().unwrap();
    let channel = service_kit::open_channel(&[endpoint], None).unwrap();
    test_kit::in_time("the fake serves", async {
        while channel.connected().await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let fake = DirectoryClient::new(channel);
    for mechanism in [
        "PLAIN",
        "LOGIN",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256",
        "SCRAM-SHA-1-PLUS",
        "SCRAM-SHA-256-PLUS",
        "EXTERNAL",
    ] {
        for (login, secret) in [
            (BOB, "secret"),
            (BOB, "wrong"),
            ("eve@example.test", "secret"),
        ] {
            let real = log_in(&running.directory, mechanism, login, secret).await;
            let faked = log_in(&fake, mechanism, login, secret).await;
            assert_eq!(faked, real, "{mechanism} {login} {secret}");
        }
    }
    shutdown.cancel();
    running.drained().await;
}
