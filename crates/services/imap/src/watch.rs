//! One stream of change notices for all sessions of the process.
//!
//! A session watches its mailbox by a [`Subscription`]. A broken stream is opened again and requests every
//! watched mailbox. The store reports the present state of each newly watched mailbox, so nothing is missed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::actor::v1::Actor;
use api::grpc::Channel;
use api::mailbox::v1::mailbox_store_client::MailboxStoreClient;
use api::mailbox::v1::{WatchRequest, WatchResponse, WatchedMailbox};
use api::stream::{self, Backoff, WatchEvent};
use tokio::sync::{Notify, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

/// Pauses before the stream is opened again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
/// Requests that may wait for the stream.
const BACKLOG: usize = 4;

/// The process's stream of change notices.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Shared>);

struct Shared {
    mailboxes: Mutex<HashMap<i64, Watched>>,
    /// Signals a change of `mailboxes` to be sent to the store.
    news: Notify,
}

struct Watched {
    /// The user who watches it.
    actor: Actor,
    highest: watch::Sender<u64>,
    sessions: usize,
    /// The request has been sent on the open stream.
    sent: bool,
}

/// One session's watch of one mailbox; dropping it ends the watch.
pub(crate) struct Subscription {
    shared: Arc<Shared>,
    mailbox_id: i64,
    highest: watch::Receiver<u64>,
}

impl Shared {
    fn mailboxes(&self) -> MutexGuard<'_, HashMap<i64, Watched>> {
        lock(&self.mailboxes)
    }

    /// The requests not sent yet, which are then marked as sent.
    fn unsent(&self) -> WatchRequest {
        let mut request = WatchRequest::default();
        let mut mailboxes = self.mailboxes();
        mailboxes.retain(|&mailbox_id, watched| {
            if watched.sessions == 0 {
                if watched.sent {
                    request.unwatch.push(mailbox_id);
                }
                return false;
            }
            if !watched.sent {
                watched.sent = true;
                request.watch.push(WatchedMailbox {
                    actor: Some(watched.actor.clone()),
                    mailbox_id,
                });
            }
            true
        });
        request
    }

    fn forget_sent(&self) {
        for watched in self.mailboxes().values_mut() {
            watched.sent = false;
        }
    }

    fn record(&self, response: WatchResponse) {
        let mailboxes = self.mailboxes();
        for change in response.changes {
            if let Some(watched) = mailboxes.get(&change.mailbox_id) {
                watched.highest.send_if_modified(|highest| {
                    let newer = change.highest_modseq > *highest;
                    *highest = change.highest_modseq.max(*highest);
                    newer
                });
            }
        }
    }
}

impl Watch {
    /// Starts the watch, until `shutdown`.
    pub(crate) fn start(channel: Channel, shutdown: CancellationToken) -> Self {
        let shared = Arc::new(Shared {
            mailboxes: Mutex::default(),
            news: Notify::new(),
        });
        let watch = Self(Arc::clone(&shared));
        tokio::spawn(shutdown.run_until_cancelled_owned(follow(shared, channel)));
        watch
    }

    /// Watches a mailbox. Changes since its state was read are reported as well: either another session has
    /// watched it all the time, or the store reports the present state now.
    ///
    /// The caller has opened the mailbox, so every watcher has access to it.
    pub(crate) fn subscribe(&self, actor: &Actor, mailbox_id: i64) -> Subscription {
        let mut mailboxes = self.0.mailboxes();
        let watched = mailboxes.entry(mailbox_id).or_insert_with(|| Watched {
            actor: actor.clone(),
            highest: watch::Sender::new(0),
            sessions: 0,
            sent: false,
        });
        watched.sessions += 1;
        let highest = watched.highest.subscribe();
        drop(mailboxes);
        self.0.news.notify_one();
        Subscription {
            shared: Arc::clone(&self.0),
            mailbox_id,
            highest,
        }
    }
}

/// Keeps a stream open, from the first session on.
async fn follow(shared: Arc<Shared>, channel: Channel) {
    shared.news.notified().await;
    let newest = Arc::new(Mutex::new(None));
    let (asking, opening) = (Arc::clone(&shared), Arc::clone(&newest));
    let mut notices = stream::Watch::new(PAUSES, move || {
        let (requests, outbound) = mpsc::channel(BACKLOG);
        // The first request names all watched mailboxes; the channel has room for it.
        asking.forget_sent();
        let _ = requests.try_send(asking.unsent());
        *lock(&opening) = Some(requests);
        let mut store = MailboxStoreClient::new(channel.clone());
        async move { store.watch(ReceiverStream::new(outbound)).await }
    });
    // The sender of the open stream.
    let mut requests = None;
    loop {
        tokio::select! {
            event = notices.next() => match event {
                WatchEvent::Opened => requests = lock(&newest).take(),
                WatchEvent::Received(notice) => shared.record(notice),
                WatchEvent::Ended(status) => {
                    requests = None;
                    // The log already says that mailbox-store is away.
                    tracing::debug!(code = ?status.code(), "no change notices; trying again");
                }
            },
            // Before the stream is open nothing would receive them.
            () = shared.news.notified(), if requests.is_some() => {
                tell(&shared, requests.as_ref()).await;
            }
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends the store the mailboxes to watch from now on, and those to drop.
async fn tell(shared: &Shared, requests: Option<&mpsc::Sender<WatchRequest>>) {
    let Some(requests) = requests else { return };
    let Ok(room) = requests.reserve().await else {
        // The stream has ended: the next one begins with all watched mailboxes.
        return;
    };
    let request = shared.unsent();
    if !(request.watch.is_empty() && request.unwatch.is_empty()) {
        room.send(request);
    }
}

impl Subscription {
    /// The highest MODSEQ reported for the mailbox.
    pub(crate) fn highest(&self) -> u64 {
        *self.highest.borrow()
    }

    /// Waits until a MODSEQ above this is reported.
    pub(crate) async fn above(&mut self, modseq: u64) {
        while *self.highest.borrow_and_update() <= modseq {
            if self.highest.changed().await.is_err() {
                // The sender lives as long as the subscription.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut mailboxes = self.shared.mailboxes();
        if let Some(watched) = mailboxes.get_mut(&self.mailbox_id) {
            watched.sessions = watched.sessions.saturating_sub(1);
            if watched.sessions == 0 {
                drop(mailboxes);
                self.shared.news.notify_one();
            }
        }
    }
}
