//! Connections to replicas, and the choice of one for the next call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::Rng as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::transport;

use crate::Target;

/// A connection to one replica, with calls to that replica only. Clones are the same connection.
#[derive(Clone)]
pub struct Connection {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) target: Target,
    pub(crate) channel: transport::Channel,
    number: u64,
    /// Cancelled when the connection is lost.
    lost: CancellationToken,
    /// Replaced, or its replica has disappeared. Calls in progress continue.
    retired: AtomicBool,
    replace_at: Option<Instant>,
    pub(crate) calls: Arc<AtomicUsize>,
}

impl Connection {
    /// Whether new calls and streams belong here: it is neither lost nor replaced.
    #[must_use]
    pub fn is_current(&self) -> bool {
        !self.inner.lost.is_cancelled() && !self.inner.retired.load(Ordering::Relaxed)
    }

    /// Identifies the connection within its channel.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.inner.number
    }

    fn is_old(&self, now: Instant) -> bool {
        self.inner.replace_at.is_some_and(|at| at <= now)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("target", &self.inner.target)
            .field("number", &self.inner.number)
            .finish_non_exhaustive()
    }
}

/// All connections of a channel.
#[derive(Default)]
pub(crate) struct Connections {
    connections: Vec<Connection>,
    numbers: u64,
    /// Where the search for the next connection begins.
    next: usize,
}

impl Connections {
    /// The connections that are not lost.
    pub(crate) fn current(&mut self) -> Vec<Connection> {
        self.connections.retain(Connection::is_current);
        self.connections.clone()
    }

    /// The connection with the fewest calls in progress; equal ones take turns.
    pub(crate) fn pick(&mut self) -> Option<Connection> {
        self.connections.retain(Connection::is_current);
        let count = self.connections.len();
        self.next = self.next.wrapping_add(1);
        (0..count)
            .map(|offset| &self.connections[(self.next.wrapping_add(offset)) % count])
            .min_by_key(|connection| connection.inner.calls.load(Ordering::Relaxed))
            .cloned()
    }

    pub(crate) fn add(
        &mut self,
        target: Target,
        channel: transport::Channel,
        lost: CancellationToken,
        age: Option<Duration>,
    ) {
        self.retire(|connection| connection.inner.target == target);
        self.numbers += 1;
        let inner = Inner {
            target,
            channel,
            number: self.numbers,
            lost,
            retired: AtomicBool::new(false),
            replace_at: age.map(|age| Instant::now() + jittered(age)),
            calls: Arc::default(),
        };
        self.connections.push(Connection {
            inner: Arc::new(inner),
        });
    }

    /// Stops new calls on connections to other targets. True if there were any.
    pub(crate) fn keep_only(&mut self, targets: &[Target]) -> bool {
        self.retire(|connection| !targets.contains(&connection.inner.target))
    }

    /// Whether there is a connection to the target that need not be replaced.
    pub(crate) fn has(&self, target: &str, now: Instant) -> bool {
        self.connections.iter().any(|connection| {
            connection.inner.target == target && connection.is_current() && !connection.is_old(now)
        })
    }

    fn retire(&mut self, which: impl Fn(&Connection) -> bool) -> bool {
        let retired = self.connections.extract_if(.., |one| which(one));
        let mut any = false;
        for connection in retired {
            connection.inner.retired.store(true, Ordering::Relaxed);
            any = true;
        }
        any
    }
}

/// A random time between four fifths and six fifths of `time`, so that processes do not act in step.
pub(crate) fn jittered(time: Duration) -> Duration {
    time.mul_f64(rand::rng().random_range(0.8..1.2))
}
