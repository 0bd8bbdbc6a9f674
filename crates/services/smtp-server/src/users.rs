//! Existing users, asked of the directory and cached as long as that is safe.
//!
//! "Yes" is cached while the stream of changes (`WatchUsers`) is open and reports no change. "No" is cached
//! for a second only, since mail to a new user must be accepted at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use api::directory::v1::directory_client::DirectoryClient;
use api::directory::v1::{FindUsersRequest, WatchUsersRequest};
use api::grpc::{Channel, Status};
use api::stream::{Backoff, Watch, WatchEvent};
use moka::sync::Cache;
use tokio_util::sync::CancellationToken;

const KNOWN_LIMIT: u64 = 200_000;
const UNKNOWN_LIMIT: u64 = 10_000;
const UNKNOWN_FOR: Duration = Duration::from_secs(1);
/// Timeout of a call to the directory.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Pauses before the stream of changes is opened again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));

/// A handle; clones share the cache.
#[derive(Clone)]
pub(crate) struct Users {
    directory: DirectoryClient<Channel>,
    memory: Arc<Memory>,
}

struct Memory {
    known: Cache<String, ()>,
    unknown: Cache<String, ()>,
    watching: AtomicBool,
    /// Counts the changes that may invalidate an answer in transit.
    changes: AtomicU64,
}

impl Users {
    /// Asks over `channel`, and follows changes until `shutdown`.
    pub(crate) fn start(channel: Channel, shutdown: CancellationToken) -> Self {
        let users = Self {
            directory: DirectoryClient::new(channel),
            memory: Arc::new(Memory {
                known: Cache::new(KNOWN_LIMIT),
                unknown: Cache::builder()
                    .max_capacity(UNKNOWN_LIMIT)
                    .time_to_live(UNKNOWN_FOR)
                    .build(),
                watching: AtomicBool::new(false),
                changes: AtomicU64::new(0),
            }),
        };
        let watched = users.clone();
        tokio::spawn(shutdown.run_until_cancelled_owned(async move { watched.follow().await }));
        users
    }

    /// Whether a user has this address (in lower case).
    pub(crate) async fn exists(&self, address: &str) -> Result<bool, Status> {
        if self.memory.known.contains_key(address) {
            return Ok(true);
        }
        if self.memory.unknown.contains_key(address) {
            return Ok(false);
        }
        let before = self.memory.changes.load(Ordering::Acquire);
        let request = FindUsersRequest {
            addresses: vec![address.to_owned()],
        };
        let mut directory = self.directory.clone();
        let response = tokio::time::timeout(CALL_TIMEOUT, directory.find_users(request))
            .await
            .map_err(|_| Status::deadline_exceeded("the directory does not answer"))??;
        let found = response.into_inner().found.first().copied();
        let found = found.ok_or_else(|| Status::internal("the directory's answer is empty"))?;
        self.memory.remember(address, found, before);
        Ok(found)
    }

    /// Keeps the stream of changes open.
    async fn follow(&self) {
        let directory = self.directory.clone();
        let mut changes = Watch::new(PAUSES, move || {
            let mut directory = directory.clone();
            async move { directory.watch_users(WatchUsersRequest {}).await }
        });
        loop {
            match changes.next().await {
                WatchEvent::Opened => self.memory.watching.store(true, Ordering::Release),
                WatchEvent::Received(change) => self.memory.changed(&change.address),
                WatchEvent::Ended(_) => self.memory.forget(),
            }
        }
    }
}

impl Memory {
    /// Caches an answer, unless something has changed since the question.
    fn remember(&self, address: &str, found: bool, before: u64) {
        if !found {
            self.unknown.insert(address.to_owned(), ());
        } else if self.watching.load(Ordering::Acquire) {
            self.known.insert(address.to_owned(), ());
            if self.changes.load(Ordering::Acquire) != before {
                self.known.invalidate(address);
            }
        }
    }

    fn changed(&self, address: &str) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.known.invalidate(address);
        self.unknown.invalidate(address);
    }

    /// Empties the cache: after the stream has broken, changes may be missed.
    fn forget(&self) {
        self.watching.store(false, Ordering::Release);
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.known.invalidate_all();
    }
}
