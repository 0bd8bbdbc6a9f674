//! The front end on a free port, with a store in memory.

use std::net::SocketAddr;
use std::time::Duration;

use api::directory::v1::directory_server::DirectoryServer;
use api::mailbox::v1::mailbox_store_server::MailboxStoreServer;
use imap::{Config, ListenerConfig};
use service_kit::{Routes, Service};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::fake::Store;

/// Timeout of the tests' waits.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// A running front end. It ends with the test.
pub(crate) struct Running {
    pub(crate) store: Store,
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    _folder: TempDir,
}

impl Running {
    /// One plain listener that accepts passwords; user `bob@example.test`, password `secret`.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config, &mut Service)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new();
        let endpoint = format!("unix:{}", folder.path().join("store.sock").display());
        let mut service = Service::for_tests("imap");
        service.shared.endpoints.mailbox_store = Some(endpoint.clone());
        let mut config = Config {
            listener: vec![ListenerConfig {
                plaintext_auth: true,
                ..ListenerConfig::at("127.0.0.1:0".parse().unwrap())
            }],
            ..Config::default()
        };
        change(&mut config, &mut service);
        let backend = Service::for_tests("mailbox-store");
        let routes = Routes::new(MailboxStoreServer::new(store.mailboxes.clone()))
            .add_service(DirectoryServer::new(store.directory.clone()));
        let shutdown = service.shutdown.clone();
        tokio::spawn(async move { backend.serve_grpc(&endpoint, routes).await });
        let running = imap::start(&config, &service).unwrap();
        let address = running.addresses()[0];
        tokio::spawn(running.wait());
        Self {
            store,
            address,
            shutdown,
            _folder: folder,
        }
    }

    pub(crate) fn shut_down(&self) {
        self.shutdown.cancel();
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// A client that has read the greeting and logged in.
    pub(crate) async fn log_in(&self) -> Client {
        let mut client = self.connect().await;
        client.expect("* OK […] Postern ready.").await;
        client.send("login LOGIN bob@example.test secret\r\n").await;
        client.expect("login OK […] Logged in.").await;
        client
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
