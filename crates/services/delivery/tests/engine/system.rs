//! A worker with all its peers.

use std::net::SocketAddr;

pub(crate) use api::clock::now_ms;
use api::mailbox::v1::mailbox_store_server::MailboxStoreServer;
use api::policy::v1::policy_server::PolicyServer;
use api::queue::v1::queue_server::QueueServer;
use api::queue::v1::{LeasedMessage, LeasedRecipient};
use delivery::Config;
use fakes::{FakePolicy, FakeQueueService, Mailboxes, USUAL};
use service_kit::{Endpoint, Routes, Service};
use test_kit::FakeDns;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fakes::{FakeQueue, State};

pub(crate) const POLICY: &str = r#"
[delivery]
postmaster = "postmaster@example.test"
retry-schedule = ["1 min"]

[[domain]]
name = "example.test"
deliver = "mailboxes"

[[domain.handler]]
match = "nobody-*"
deliver = "discard"

[[domain]]
name = "catch.test"
deliver = "mailboxes"
unmatched = { catch-all = "bob@example.test" }
"#;

/// The message of most tests.
pub(crate) const MESSAGE: &str =
    "Received: from a by b\r\nSubject: hello\r\nMessage-ID: <1@x.test>\r\n\r\n.text\r\n";

/// A worker with its fake peers. Everything ends when it is dropped.
pub(crate) struct System {
    pub(crate) queue: FakeQueue,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) shutdown: CancellationToken,
    pub(crate) served: JoinHandle<anyhow::Result<()>>,
    config: Config,
    service: Service,
    health: Endpoint,
    fakes: Service,
    _policy: watch::Sender<String>,
    pub(crate) dns: Option<FakeDns>,
    _folder: tempfile::TempDir,
}

impl System {
    /// A system with mail for mailboxes only.
    pub(crate) async fn local() -> Self {
        Self::start(POLICY, None, Config::default()).await
    }

    /// The same, with a queue that is configured first, and a DNS that fails.
    pub(crate) async fn local_in(queue: impl FnOnce(&mut State)) -> Self {
        let dns = FakeDns::start("other.test SERVFAIL").await;
        Self::start_in(POLICY, Some(dns), Config::default(), queue).await
    }

    /// A system with this DNS zone, and the port of all servers that it names.
    pub(crate) async fn remote(zone: &str, smtp: SocketAddr) -> Self {
        let config = Config {
            smtp_port: smtp.port(),
            ..Config::default()
        };
        Self::start(POLICY, Some(FakeDns::start(zone).await), config).await
    }

    pub(crate) async fn start(policy: &str, dns: Option<FakeDns>, config: Config) -> Self {
        Self::start_in(policy, dns, config, |_| {}).await
    }

    async fn start_in(
        policy: &str,
        dns: Option<FakeDns>,
        config: Config,
        change: impl FnOnce(&mut State),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = format!("unix:{}", folder.path().join("s").display());
        let queue = FakeQueue::new();
        queue.store(1, MESSAGE);
        change(&mut queue.state());
        let mailboxes = Mailboxes::default();
        for address in ["bob@example.test", "eve@example.test"] {
            mailboxes.add_user(address, USUAL);
        }
        mailboxes.any_body_is(MESSAGE.as_bytes());
        let (policy, document) = watch::channel(policy.to_owned());
        let fakes = Service::for_tests("fakes");
        let policies = FakePolicy::new(document).with_secret("isp", "secret");
        let routes = Routes::new(QueueServer::new(FakeQueueService(queue.clone())))
            .add_service(MailboxStoreServer::new(mailboxes.clone()))
            .add_service(PolicyServer::new(policies));
        let (listen, kit) = (socket.clone(), fakes.clone());
        tokio::spawn(async move { kit.serve_grpc(&listen, routes).await.unwrap() });

        let mut service = Service::for_tests("delivery");
        service.shared.endpoints.queue = Some(socket.clone());
        service.shared.endpoints.mailbox_store = Some(socket);
        let shutdown = service.shutdown.clone();
        let health = format!("unix:{}", folder.path().join("health").display());
        let (served_at, kit) = (health.clone(), service.clone());
        tokio::spawn(async move { kit.serve_health(&served_at).await });
        let resolver = dns.as_ref().map(FakeDns::address);
        let config = Config {
            resolver: resolver.or(Some(SocketAddr::from(([127, 0, 0, 1], 1)))),
            ..config
        };
        Self {
            queue,
            mailboxes,
            shutdown,
            served: tokio::spawn(delivery::run(config.clone(), service.clone())),
            config,
            service,
            health: health.parse().unwrap(),
            fakes,
            _policy: policy,
            dns,
            _folder: folder,
        }
    }
}

impl System {
    /// Starts another worker, identical to the first like a second container of the same image.
    pub(crate) fn another_worker(&self) -> JoinHandle<anyhow::Result<()>> {
        tokio::spawn(delivery::run(self.config.clone(), self.service.clone()))
    }

    /// Waits until the worker reports that it is ready, or not ready.
    pub(crate) async fn is_ready(&self, ready: bool) {
        let said = async {
            while service_kit::health::check(&self.health, None).await.is_ok() != ready {
                tokio::task::yield_now().await;
            }
        };
        test_kit::in_time(&format!("the worker says that ready is {ready}"), said).await;
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.fakes.shutdown.cancel();
    }
}

/// A message from `alice@example.test` to these, with recipient ids from `first` on.
pub(crate) fn message(first: i64, recipients: &[&str]) -> LeasedMessage {
    LeasedMessage {
        message_id: first,
        body_id: 1,
        size: MESSAGE.len() as u64,
        reverse_path: "alice@example.test".to_owned(),
        received_at_ms: now_ms(),
        recipients: (first..)
            .zip(recipients)
            .map(|(recipient_id, address)| LeasedRecipient {
                recipient_id,
                epoch: 1,
                address: (*address).to_owned(),
                ..LeasedRecipient::default()
            })
            .collect(),
        ..LeasedMessage::default()
    }
}
