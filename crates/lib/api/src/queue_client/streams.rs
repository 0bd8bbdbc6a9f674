//! The streams of a process, one to each replica of the queue.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use channel::{Channel, Connection};
use tokio::sync::watch;
use tonic::Status;

use super::stream::Stream;
use crate::queue_features::Features;
use crate::stream::Backoff;

/// Pauses before a broken stream is opened again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));

pub(super) struct Streams {
    channel: Channel,
    state: Mutex<State>,
    /// Counts finished attempts to open a stream.
    attempts: watch::Sender<u64>,
    /// Counts ended streams.
    ended: Arc<watch::Sender<u64>>,
    /// The features announced when a stream was last opened.
    features: watch::Sender<Option<Features>>,
}

#[derive(Default)]
struct State {
    open: Vec<Arc<Stream>>,
    /// The connections with an attempt in progress.
    opening: HashSet<u64>,
    /// The reason for the last failure.
    failure: Option<Status>,
    next: usize,
}

impl Streams {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            channel,
            state: Mutex::default(),
            attempts: watch::Sender::new(0),
            ended: Arc::new(watch::Sender::new(0)),
            features: watch::Sender::new(None),
        }
    }

    pub(super) fn features(&self) -> Option<Features> {
        *self.features.borrow()
    }

    pub(super) async fn reached(&self) {
        let mut features = self.features.subscribe();
        // This task holds the sender, so the wait cannot fail.
        let _ = features.wait_for(Option::is_some).await;
    }

    /// An open stream to a replica with these features, if there is such a replica; waits until there is a
    /// stream.
    pub(super) async fn open(self: &Arc<Self>, needed: Features) -> Result<Arc<Stream>, Status> {
        if let Some(stream) = self.lock().pick(needed) {
            return Ok(stream);
        }
        let mut attempts = self.attempts.subscribe();
        self.channel.connected().await?;
        self.open_missing();
        loop {
            attempts.mark_unchanged();
            {
                let mut state = self.lock();
                if let Some(stream) = state.pick(needed) {
                    return Ok(stream);
                }
                if state.opening.is_empty() {
                    let failure = state.failure.clone();
                    return Err(failure.unwrap_or_else(|| Status::unavailable("no connection")));
                }
            }
            // This task holds the sender, so the wait cannot fail.
            let _ = attempts.changed().await;
        }
    }

    /// Keeps a stream to each replica.
    pub(super) async fn keep_open(self: Arc<Self>) {
        let (mut changes, mut ended) = (self.channel.changes(), self.ended.subscribe());
        let mut backoff = PAUSES;
        loop {
            changes.mark_unchanged();
            ended.mark_unchanged();
            // Submitters see the error themselves. While streams are kept open, only this task connects.
            let is_open = self.open(Features::default()).await.is_ok();
            if is_open && self.open_missing() == 0 {
                backoff.reset();
                tokio::select! {
                    _ = changes.changed() => continue,
                    _ = ended.changed() => {}
                }
            }
            tokio::time::sleep(backoff.pause()).await;
        }
    }

    /// Opens a stream over each connection without one. Returns how many are still missing.
    fn open_missing(self: &Arc<Self>) -> usize {
        let connections = self.channel.connections();
        let mut state = self.lock();
        let missing: Vec<Connection> = connections
            .into_iter()
            .filter(|one| !state.has(one.number()))
            .collect();
        let begun: Vec<Connection> = missing
            .iter()
            .filter(|one| state.opening.insert(one.number()))
            .cloned()
            .collect();
        drop(state);
        for connection in begun {
            tokio::spawn(Arc::clone(self).open_over(connection));
        }
        missing.len()
    }

    async fn open_over(self: Arc<Self>, connection: Connection) {
        let number = connection.number();
        let opened = Stream::open(connection, Arc::clone(&self.ended)).await;
        {
            let mut state = self.lock();
            state.opening.remove(&number);
            match opened {
                Ok(stream) => {
                    self.features.send_replace(Some(stream.features()));
                    state.open.push(stream);
                    state.failure = None;
                }
                Err(status) => state.failure = Some(status),
            }
        }
        self.attempts.send_modify(|attempts| *attempts += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The stream with the fewest submissions in progress among those with the needed features, if there
    /// are any; equal ones take turns. A stream whose connection has been replaced is not used as soon as
    /// there is another.
    fn pick(&mut self, needed: Features) -> Option<Arc<Stream>> {
        self.open.retain(|stream| !stream.is_broken());
        if self.open.iter().any(|stream| stream.is_current()) {
            self.open.retain(|stream| stream.is_current());
        }
        let count = self.open.len();
        self.next = self.next.wrapping_add(1);
        (0..count)
            .map(|offset| &self.open[self.next.wrapping_add(offset) % count])
            .min_by_key(|stream| {
                (
                    stream.features().lacks(needed).is_some(),
                    stream.under_way(),
                )
            })
            .cloned()
    }

    fn has(&self, connection: u64) -> bool {
        let mut open = self.open.iter();
        open.any(|stream| stream.connection() == connection && !stream.is_broken())
    }
}
