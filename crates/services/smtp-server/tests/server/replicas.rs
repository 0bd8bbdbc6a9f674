//! Several replicas of the queue.

use std::time::Duration;

use api::policy::v1::policy_server::PolicyServer;
use api::queue::v1::queue_server::QueueServer;
use api::queue::v1::refusals_server::RefusalsServer;
use api::queue::v1::storage_server::StorageServer;
use api::queue_client::Enqueuer;
use api::throttle::v1::throttle_server::ThrottleServer;
use fakes::{FakePolicy, FakeQueueService, FakeRefusals};
use service_kit::{Routes, Service};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::fakes::{FakeQueue, FakeStorage, FakeThrottle};
use crate::system::{POLICY, Port, System};

/// A queue that ends as if killed when it is dropped.
struct Replica {
    queue: FakeQueue,
    runtime: Option<Runtime>,
}

impl Replica {
    fn start(endpoint: &str) -> Self {
        let queue = FakeQueue::new();
        let runtime = Runtime::new().unwrap();
        let routes = Routes::new(QueueServer::new(FakeQueueService(queue.clone())))
            .add_service(RefusalsServer::new(FakeRefusals::new()))
            .add_service(ThrottleServer::new(FakeThrottle::new()))
            .add_service(StorageServer::new(FakeStorage::new()))
            .add_service(PolicyServer::new(FakePolicy::new(
                watch::channel(POLICY.to_owned()).1,
            )));
        let endpoint = endpoint.to_owned();
        runtime.spawn(async move {
            let service = Service::for_tests("queue");
            service.serve_grpc(&endpoint, routes).await.unwrap();
        });
        Self {
            queue,
            runtime: Some(runtime),
        }
    }

    /// Number of its accepted messages.
    fn accepted(&self) -> usize {
        self.queue.accepted().len()
    }

    /// Waits until a stream to it has been opened.
    async fn is_used(&self) {
        let mut opened = self.queue.opened.subscribe();
        let opened = opened.wait_for(|opened| *opened > 0);
        let found = tokio::time::timeout(Duration::from_secs(60), opened).await;
        found.expect("no stream to the replica").unwrap();
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn send(client: &mut Client, messages: usize) {
    for _ in 0..messages {
        client.envelope("a@client.test", "bob@example.test").await;
        client.data("text", 250).await;
    }
}

#[tokio::test]
async fn replicas_share_the_messages_one_that_dies_costs_none_and_a_new_one_gets_its_share() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("unix:{}", folder.path().join("second").display());
    let second = Replica::start(&endpoint);
    let system = System::start_with_replicas(std::slice::from_ref(&endpoint)).await;
    second.is_used().await;
    let mut client = system.connect(Port::External).await;
    send(&mut client, 40).await;
    let first = |system: &System| system.queue.accepted().len();
    assert_eq!(first(&system) + second.accepted(), 40);
    assert!(first(&system) >= 10, "{} of 40", first(&system));
    assert!(second.accepted() >= 10, "{} of 40", second.accepted());

    // At most one message is lost: the one sent to it before its end is noticed.
    let before = first(&system);
    drop(second);
    let mut refused = 0;
    for _ in 0..20 {
        client.envelope("a@client.test", "bob@example.test").await;
        client.say("DATA", 354).await;
        client.send("text\r\n.\r\n").await;
        match client.reply().await {
            (250, _) => {}
            (451, _) => refused += 1,
            (code, text) => panic!("{code} {text}"),
        }
    }
    assert!(refused <= 1, "{refused} were refused");
    assert_eq!(first(&system), before + 20 - refused);

    let socket = folder.path().join("second");
    std::fs::remove_file(&socket).unwrap();
    let second = Replica::start(&endpoint);
    second.is_used().await;
    send(&mut client, 40).await;
    assert!(second.accepted() >= 10, "{} of 40", second.accepted());
}

#[tokio::test]
async fn a_queue_that_comes_later_than_those_who_submit_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("unix:{}", folder.path().join("later").display());
    let channel = Service::for_tests("smtp-server")
        .channel(&endpoint)
        .unwrap();
    let enqueuer = Enqueuer::new(channel.clone());
    let stop = CancellationToken::new();
    enqueuer.stay_open(stop.clone());
    // Its first attempt has failed.
    channel.connected().await.unwrap_err();
    assert!(enqueuer.features().is_none());
    let _queue = Replica::start(&endpoint);
    let reached = tokio::time::timeout(Duration::from_secs(60), enqueuer.reached());
    reached.await.expect("the queue is not reached");
    stop.cancel();
}
