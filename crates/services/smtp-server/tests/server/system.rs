//! smtp-server on free ports, with fakes of the other services.

use std::net::SocketAddr;

use api::directory::v1::directory_server::DirectoryServer;
use api::grpc::Status;
use api::policy::v1::policy_server::PolicyServer;
use api::queue::v1::Submission;
use api::queue::v1::queue_server::QueueServer;
use api::queue::v1::refusals_server::RefusalsServer;
use api::queue::v1::storage_server::StorageServer;
use api::throttle::v1::throttle_server::ThrottleServer;
use fakes::{FakeAccount, FakeDirectory, FakePolicy, FakeQueueService};
use rules::{ListenerClass, ListenerRole};
use service_kit::{Routes, Service};
use smtp_server::{Config, ListenerConfig, TlsMode};
use test_kit::{FakeDns, TestCertificate};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::fakes::{FakeQueue, FakeRefusals, FakeStorage, FakeThrottle};

pub(crate) const POLICY: &str = r#"
[receiving.untrusted]
max-size = "2 MiB"
spf = "off"
dkim = "off"
dmarc = "off"
arc = "off"
iprev = "off"

[[domain]]
name = "example.test"
deliver = "mailboxes"

[[domain]]
name = "silent.test"
deliver = "mailboxes"
unmatched = "accept"
"#;

/// A running server with its fakes. Everything ends when it is dropped.
pub(crate) struct System {
    pub(crate) queue: FakeQueue,
    pub(crate) refusals: FakeRefusals,
    pub(crate) directory: FakeDirectory,
    pub(crate) throttle: FakeThrottle,
    pub(crate) storage: FakeStorage,
    pub(crate) policy: watch::Sender<String>,
    pub(crate) certificate: TestCertificate,
    /// The name server; it knows no name.
    pub(crate) dns: FakeDns,
    pub(crate) shutdown: CancellationToken,
    /// Ends when the service has drained.
    pub(crate) served: tokio::task::JoinHandle<Result<(), front_end::Error>>,
    /// Endpoint of the health service.
    health: String,
    addresses: Vec<SocketAddr>,
    fakes: Service,
    _folder: tempfile::TempDir,
}

/// The listeners of every system.
#[derive(Clone, Copy)]
pub(crate) enum Port {
    External,
    Internal,
    Submission,
    Submissions,
    Plaintext,
    /// Behind the proxies 127.0.0.0/8, which send a PROXY header; the class is a parameter of the system.
    Proxied,
    /// Behind the proxy 127.0.0.1, which sends XCLIENT.
    Xclient,
    /// Of the class `auto`.
    Auto,
}

impl System {
    pub(crate) async fn start() -> Self {
        Self::start_with(POLICY, |_| {}).await
    }

    pub(crate) async fn start_with(policy: &str, change: impl FnOnce(&mut Config)) -> Self {
        let system = Self::start_without_waiting(policy, change).await;
        if !system.policy.borrow().is_empty() {
            system.policy_in_force().await;
        }
        system
    }

    /// With a directory that offers more than passwords; returns once the server knows.
    pub(crate) async fn start_offering() -> Self {
        Self::start_offering_with(POLICY, |_| {}).await
    }

    pub(crate) async fn start_offering_with(
        policy: &str,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let directory = users();
        directory.state().tokens = true;
        let system = Self::start_over(directory, FakeQueue::new(), policy, change).await;
        system.policy_in_force().await;
        let offers = |hello: &str| hello.contains("OAUTHBEARER");
        // Tokens are offered under TLS only.
        let mut client = system.connect(Port::Submissions).await;
        test_kit::in_time("what the directory offers is known", async {
            while !offers(&client.say("EHLO client.test", 250).await) {
                client = system.connect(Port::Submissions).await;
            }
        })
        .await;
        system
    }

    /// The policy may not be in force yet.
    pub(crate) async fn start_without_waiting(
        policy: &str,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start_over(users(), FakeQueue::new(), policy, change).await
    }

    /// The queue is not reachable yet.
    pub(crate) async fn start_before_the_queue() -> Self {
        let queue = FakeQueue::new();
        queue.reachable.send_replace(false);
        Self::start_over(users(), queue, POLICY, |_| {}).await
    }

    async fn start_over(
        directory: FakeDirectory,
        queue: FakeQueue,
        policy: &str,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start_beside(directory, queue, &[], policy, change).await
    }

    /// With more replicas of the queue, at these endpoints.
    pub(crate) async fn start_with_replicas(others: &[String]) -> Self {
        let queue = FakeQueue::new();
        let system = Self::start_beside(users(), queue, others, POLICY, |_| {}).await;
        system.policy_in_force().await;
        system
    }

    async fn start_beside(
        directory: FakeDirectory,
        queue: FakeQueue,
        others: &[String],
        policy: &str,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = format!("unix:{}", folder.path().join("s").display());
        let refusals = FakeRefusals::new();
        let throttle = FakeThrottle::new();
        let storage = FakeStorage::new();
        let (policy, document) = watch::channel(policy.to_owned());
        let fakes = Service::for_tests("fakes");
        let service = QueueServer::new(FakeQueueService(queue.clone()));
        let routes = Routes::new(service.max_decoding_message_size(1 << 24))
            .add_service(RefusalsServer::new(refusals.clone()))
            .add_service(DirectoryServer::new(directory.clone()))
            .add_service(ThrottleServer::new(throttle.clone()))
            .add_service(StorageServer::new(storage.clone()))
            .add_service(PolicyServer::new(FakePolicy::new(document)));
        let (listen, kit) = (socket.clone(), fakes.clone());
        tokio::spawn(async move { kit.serve_grpc(&listen, routes).await.unwrap() });

        let certificate = TestCertificate::for_names(&["mail.example.test"]);
        let (chain, key, _) = certificate.write_to(folder.path());
        let mut service = Service::for_tests("smtp-server");
        let queues = [std::slice::from_ref(&socket), others].concat();
        service.shared.endpoints.queue = Some(queues.join(","));
        service.shared.endpoints.mailbox_store = Some(socket);
        service.shared.tls = Some(service_kit::config::TlsConfig {
            certificate: chain,
            key,
        });
        let shutdown = service.shutdown.clone();
        let health = format!("unix:{}", folder.path().join("health").display());
        let (listen, kit) = (health.clone(), service.clone());
        tokio::spawn(async move { kit.serve_health(&listen).await.unwrap() });
        let dns = FakeDns::start("").await;
        let mut config = config();
        config.resolver = Some(dns.address());
        config.dns_timeout_seconds = 1;
        change(&mut config);
        let running = smtp_server::start(&config, &service).unwrap();
        Self {
            queue,
            refusals,
            directory,
            throttle,
            storage,
            policy,
            certificate,
            dns,
            shutdown,
            health,
            addresses: running.addresses().to_vec(),
            served: tokio::spawn(running.wait()),
            fakes,
            _folder: folder,
        }
    }

    /// Waits until connections are served; until then they get 421.
    pub(crate) async fn policy_in_force(&self) {
        test_kit::in_time("the policy is in force", async {
            while self.connect_raw(Port::External).await.reply().await.0 != 220 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Whether the directory fails from now on.
    pub(crate) fn set_away(&self, away: bool) {
        self.directory.state().failure = away.then(|| Status::unavailable("secret cause"));
    }

    /// Whether the service reports that it is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        let endpoint = self.health.parse().unwrap();
        service_kit::health::check(&endpoint, None).await.is_ok()
    }

    pub(crate) fn address(&self, port: Port) -> SocketAddr {
        self.addresses[port as usize]
    }

    /// The address of the additional listener.
    pub(crate) fn added_address(&self) -> SocketAddr {
        *self.addresses.last().unwrap()
    }

    /// Connected; nothing read.
    pub(crate) async fn connect_raw(&self, port: Port) -> Client {
        Client::connect(self.address(port)).await
    }

    /// Connected to the submissions port, with the keying material of its TLS session.
    pub(crate) async fn connect_bound(&self) -> (Client, Vec<u8>) {
        let client = self.connect_raw(Port::Submissions).await;
        let (mut client, exported) = client.start_bound_tls(&self.certificate).await;
        client.expect(220).await;
        client.say("EHLO client.test", 250).await;
        (client, exported)
    }

    /// Connected, with greeting and EHLO done.
    pub(crate) async fn connect(&self, port: Port) -> Client {
        let mut client = self.connect_raw(port).await;
        if matches!(port, Port::Submissions) {
            client = client.start_tls(&self.certificate).await;
        }
        client.expect(220).await;
        client.say("EHLO client.test", 250).await;
        client
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.fakes.shutdown.cancel();
    }
}

fn users() -> FakeDirectory {
    let users = ["bob@example.test", "eve@example.test"].map(|address| (address, "secret"));
    let directory = FakeDirectory::deciding(&users, |address| {
        Ok((address == "throttled@example.test").then_some(FakeAccount::Throttled(9)))
    });
    directory.of_service("smtp").clone()
}

pub(crate) fn listener_on_any_port() -> ListenerConfig {
    config().listener.remove(Port::Auto as usize)
}

fn config() -> Config {
    let listener = |role, tls, class, plaintext_auth| ListenerConfig {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        name: Some(format!("{role:?}")),
        role,
        tls,
        class,
        plaintext_auth,
        client_certificates: None,
        proxies: Vec::new(),
        proxy_protocol: false,
    };
    let proxied = |role, tls, header| ListenerConfig {
        proxies: vec!["127.0.0.0/8".parse().unwrap()],
        proxy_protocol: header,
        ..listener(role, tls, ListenerClass::Auto, true)
    };
    let external = ListenerClass::External;
    Config {
        listener: vec![
            listener(ListenerRole::Mx, TlsMode::Starttls, external, false),
            listener(
                ListenerRole::Mx,
                TlsMode::None,
                ListenerClass::Internal,
                false,
            ),
            listener(ListenerRole::Submission, TlsMode::Starttls, external, false),
            listener(ListenerRole::Submission, TlsMode::Implicit, external, false),
            listener(ListenerRole::Submission, TlsMode::None, external, true),
            proxied(ListenerRole::Mx, TlsMode::Starttls, true),
            proxied(ListenerRole::Mx, TlsMode::Starttls, false),
            listener(ListenerRole::Mx, TlsMode::None, ListenerClass::Auto, false),
        ],
        ..Config::default()
    }
}

/// The header section of a submitted message: added fields, then its own.
pub(crate) fn header(submission: &Submission) -> String {
    let own = &submission.content.as_ref().unwrap().header;
    String::from_utf8([&*submission.prefix, own].concat()).unwrap()
}
