#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Code, Status, async_trait};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::*;

/// For what must come; longer than upkeep takes.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A replica that knows its own name. Dropped, it is gone as if it had been killed.
struct Replica(Option<Runtime>);

impl Replica {
    fn start(folder: &Path, name: &'static str) -> Self {
        let path = folder.join(name);
        let _ = std::fs::remove_file(&path);
        let runtime = Runtime::new().unwrap();
        let _entered = runtime.enter();
        let listener = UnixListener::bind(path).unwrap();
        runtime.spawn(async move {
            let (reporter, service) = tonic_health::server::health_reporter();
            let serving = tonic_health::ServingStatus::Serving;
            reporter.set_service_status(name, serving).await;
            let incoming = UnixListenerStream::new(listener);
            let server = Server::builder().add_service(service);
            server.serve_with_incoming(incoming).await.unwrap();
        });
        drop(_entered);
        Self(Some(runtime))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Sockets in a folder.
struct Sockets {
    folder: PathBuf,
    names: watch::Receiver<Vec<&'static str>>,
    age: Option<Duration>,
}

#[async_trait]
impl Dial for Sockets {
    async fn targets(&self) -> io::Result<Vec<Target>> {
        let names = self.names.borrow();
        Ok(names.iter().map(|&name| name.to_owned()).collect())
    }

    async fn connect(&self, target: &str) -> io::Result<Box<dyn Io>> {
        Ok(Box::new(
            UnixStream::connect(self.folder.join(target)).await?,
        ))
    }

    fn http(&self) -> Endpoint {
        Endpoint::from_static("http://replica.test")
    }

    fn may_change(&self) -> bool {
        true
    }

    fn longest_age(&self) -> Option<Duration> {
        self.age
    }
}

struct Bench {
    folder: TempDir,
    names: watch::Sender<Vec<&'static str>>,
    channel: Channel,
}

impl Bench {
    fn new(names: &[&'static str], age: Option<Duration>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names = watch::Sender::new(names.to_vec());
        let dial = Sockets {
            folder: folder.path().to_owned(),
            names: names.subscribe(),
            age,
        };
        Self {
            folder,
            names,
            channel: Channel::new(dial),
        }
    }

    fn start(&self, name: &'static str) -> Replica {
        Replica::start(self.folder.path(), name)
    }

    /// Waits until there are so many connections.
    async fn connections(&self, count: usize) {
        let mut changes = self.channel.changes();
        let waiting = async {
            self.channel.connected().await.unwrap();
            while self.channel.connections().len() != count {
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(TIME_LIMIT, waiting).await.unwrap();
    }

    async fn call(&self, service: &'static str) -> Result<(), Status> {
        let mut client = HealthClient::new(self.channel.clone());
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        client.check(request).await.map(drop)
    }

    /// How many of so many calls were `name`'s.
    async fn share(&self, name: &'static str, calls: usize) -> usize {
        let mut share = 0;
        for _ in 0..calls {
            match self.call(name).await {
                Ok(()) => share += 1,
                Err(status) => assert_eq!(status.code(), Code::NotFound, "{status}"),
            }
        }
        share
    }
}

#[tokio::test]
async fn replicas_share_the_calls_evenly() {
    let bench = Bench::new(&["a", "b", "c"], None);
    let _replicas = ["a", "b", "c"].map(|name| bench.start(name));
    bench.connections(3).await;
    for name in ["a", "b", "c"] {
        assert_eq!(bench.share(name, 30).await, 10);
    }
}

#[tokio::test]
async fn one_with_calls_under_way_gets_fewer_new_ones() {
    let bench = Bench::new(&["a", "b"], None);
    let _replicas = ["a", "b"].map(|name| bench.start(name));
    bench.connections(2).await;
    let mut watches = Vec::new();
    let mut by_connection = HashMap::new();
    for _ in 0..10 {
        let mut client = HealthClient::new(bench.channel.clone());
        let request = HealthCheckRequest::default();
        watches.push(client.watch(request).await.unwrap());
        for connection in bench.channel.connections() {
            let calls = connection
                .inner
                .calls
                .load(std::sync::atomic::Ordering::Relaxed);
            by_connection.insert(connection.number(), calls);
        }
    }
    let counts: Vec<usize> = by_connection.into_values().collect();
    assert_eq!(counts, [5, 5]);
    // A stream that has ended is under way no more.
    drop(watches);
    for connection in bench.channel.connections() {
        let calls = connection
            .inner
            .calls
            .load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(calls, 0);
    }
}

#[tokio::test]
async fn one_that_is_lost_is_left_at_once_and_used_again_when_it_is_back() {
    let bench = Bench::new(&["a", "b"], None);
    let (_a, b) = (bench.start("a"), bench.start("b"));
    bench.connections(2).await;
    drop(b);
    bench.connections_lost(1).await;
    // No call fails.
    assert_eq!(bench.share("a", 20).await, 20);
    let _b = bench.start("b");
    bench.connections(2).await;
    assert_eq!(bench.share("b", 20).await, 10);
}

impl Bench {
    /// Waits until the end of connections has been noticed, so that so many are left.
    async fn connections_lost(&self, left: usize) {
        let waiting = async {
            while self.channel.connections().len() != left {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(TIME_LIMIT, waiting).await.unwrap();
    }
}

#[tokio::test]
async fn a_new_replica_gets_its_share_and_one_that_is_no_more_named_gets_none() {
    let bench = Bench::new(&["a"], None);
    let (_a, _b) = (bench.start("a"), bench.start("b"));
    bench.connections(1).await;
    assert_eq!(bench.share("b", 10).await, 0);
    bench.names.send_replace(vec!["a", "b"]);
    bench.connections(2).await;
    assert_eq!(bench.share("b", 20).await, 10);
    bench.names.send_replace(vec!["b"]);
    bench.connections(1).await;
    assert_eq!(bench.share("b", 10).await, 10);
}

#[tokio::test]
async fn a_connection_that_has_its_age_is_replaced_and_what_is_under_way_goes_on() {
    let bench = Bench::new(&["a"], Some(Duration::from_millis(10)));
    let _a = bench.start("a");
    bench.connections(1).await;
    let first = bench.channel.connections().remove(0);
    let mut client = HealthClient::new(bench.channel.clone());
    let request = HealthCheckRequest {
        service: "a".to_owned(),
    };
    let mut watched = client.watch(request).await.unwrap().into_inner();
    assert!(watched.message().await.unwrap().is_some());
    let mut changes = bench.channel.changes();
    while first.is_current() {
        let changed = tokio::time::timeout(TIME_LIMIT, changes.changed()).await;
        changed.unwrap().unwrap();
    }
    assert_ne!(bench.channel.connections()[0].number(), first.number());
    assert_eq!(bench.share("a", 5).await, 5);
    let goes_on = tokio::time::timeout(Duration::from_millis(50), watched.message()).await;
    assert!(goes_on.is_err(), "the stream ended");
}

#[tokio::test]
async fn while_nobody_is_reached_calls_fail_with_the_reason_and_the_next_tries_again() {
    let bench = Bench::new(&["a", "b"], None);
    let status = bench.call("a").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let mut cause: &dyn std::error::Error = &status;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = cause.downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::NotFound);
    let _b = bench.start("b");
    bench.call("b").await.unwrap();
    let status = HealthClient::new(Channel::to_nowhere())
        .check(HealthCheckRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}
