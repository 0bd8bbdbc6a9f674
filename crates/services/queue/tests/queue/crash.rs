//! The process is killed (I11): the real binary, `kill -9`, the machine's clock.

use std::process::{Child, Command, Stdio};

use api::queue::v1::Outcome;
use tempfile::TempDir;
use test_kit::Postgres;

use crate::harness::{Peer, submission};

/// A queue that can be killed.
pub(crate) struct Process {
    folder: TempDir,
    pub(crate) url: String,
    lease_seconds: u32,
    child: Child,
    pub(crate) peer: Peer,
}

impl Process {
    /// Starts it on a new database.
    pub(crate) async fn start(lease_seconds: u32) -> Self {
        let folder = test_kit::folder_for_a_service();
        let url = Postgres::start().database().await;
        let child = spawn(&folder, &url, lease_seconds);
        let peer = peer(&folder);
        peer.answers().await;
        Self {
            folder,
            url,
            lease_seconds,
            child,
            peer,
        }
    }

    /// Kills the process with `kill -9` and starts another.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.folder, &self.url, self.lease_seconds);
        self.peer = peer(&self.folder);
        self.peer.answers().await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn socket(folder: &TempDir) -> String {
    format!("unix:{}/queue.sock", folder.path().display())
}

fn peer(folder: &TempDir) -> Peer {
    let endpoint = socket(folder).parse().unwrap();
    let channel = service_kit::open_channel(&[endpoint], None).unwrap();
    Peer { channel }
}

fn spawn(folder: &TempDir, url: &str, lease_seconds: u32) -> Child {
    Command::new(env!("CARGO_BIN_EXE_postern-queue"))
        .current_dir(folder.path())
        .env("POSTERN_DATABASE_URL", url)
        // The queue is killed, not the machine, so unflushed writes survive.
        .env("POSTERN_DATABASE__REQUIRE_FSYNC", "false")
        .env("POSTERN_QUEUE__LISTEN", socket(folder))
        .env("POSTERN_QUEUE__SECRET_KEY_FILE", folder.path().join("key"))
        .env("POSTERN_QUEUE__LEASE_SECONDS", lease_seconds.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn i11_a_killed_queue_finds_everything_again() {
    let mut queue = Process::start(2).await;
    let mut worker = queue.peer.worker("worker").await;
    worker.grant(1);
    let mut submitter = queue.peer.submitter().await;
    submitter
        .enqueue(submission(["a@example.test"]))
        .await
        .unwrap();
    let held = worker.take(1).await;
    submitter
        .enqueue(submission(["b@example.test"]))
        .await
        .unwrap();

    queue.kill_and_restart().await;
    let mut worker = queue.peer.worker("another").await;
    worker.grant(2);
    // Waiting recipients come at once, leased ones when their lease is over.
    let waiting = worker.take(1).await;
    assert_eq!(
        (waiting[0].address.as_str(), waiting[0].epoch),
        ("b@example.test", 1)
    );
    let expired = worker.take(1).await;
    assert_eq!(
        (expired[0].address.as_str(), expired[0].epoch),
        ("a@example.test", 2)
    );
    assert!(!queue.peer.end(&held[0], Outcome::Delivered).await, "stale");
    for recipient in waiting.iter().chain(&expired) {
        assert!(queue.peer.end(recipient, Outcome::Delivered).await);
        let history = queue
            .peer
            .show(recipient.recipient_id >> 14)
            .await
            .unwrap()
            .history;
        assert_eq!(history.len(), 1);
    }
}

#[tokio::test]
async fn i11_a_worker_completes_at_the_queue_that_comes_back() {
    let mut queue = Process::start(2).await;
    let mut worker = queue.peer.worker("worker").await;
    worker.grant(1);
    queue
        .peer
        .enqueue(submission(["a@example.test"]))
        .await
        .unwrap();
    let held = worker.take(1).await;
    queue.kill_and_restart().await;
    assert!(queue.peer.end(&held[0], Outcome::Delivered).await);
    assert_eq!(queue.peer.statistics().await.messages, 0);
}
