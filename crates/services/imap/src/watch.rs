//! One stream of change notices for all sessions of the process.
//!
//! A session watches its mailbox by a [`Subscription`]. When the stream breaks it is opened again
//! and asks for every mailbox that is watched; the store tells the present state of each mailbox
//! newly watched, so nothing is missed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::grpc::Channel;
use api::mailbox::v1::mailbox_store_client::MailboxStoreClient;
use api::mailbox::v1::{Actor, WatchRequest, WatchResponse, WatchedMailbox};
use api::stream::{self, Backoff, WatchEvent};
use tokio::sync::{Notify, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

/// Before the stream is opened again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
/// Requests that may wait for the stream.
const BACKLOG: usize = 4;

/// The process's stream of change notices.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Shared>);

struct Shared {
    mailboxes: Mutex<HashMap<i64, Watched>>,
    /// Something in `mailboxes` is to be told to the store.
    news: Notify,
}

struct Watched {
    /// For whom.
    actor: Actor,
    highest: watch::Sender<u64>,
    sessions: usize,
    /// On this stream the store knows that we watch it.
    asked: bool,
}

/// One session's interest in one mailbox; dropped, it ends.
pub(crate) struct Subscription {
    shared: Arc<Shared>,
    mailbox_id: i64,
    highest: watch::Receiver<u64>,
}

impl Shared {
    fn mailboxes(&self) -> MutexGuard<'_, HashMap<i64, Watched>> {
        lock(&self.mailboxes)
    }

    /// What the store is to be told, and notes that it was.
    fn unasked(&self) -> WatchRequest {
        let mut request = WatchRequest::default();
        let mut mailboxes = self.mailboxes();
        mailboxes.retain(|&mailbox_id, watched| {
            if watched.sessions == 0 {
                if watched.asked {
                    request.unwatch.push(mailbox_id);
                }
                return false;
            }
            if !watched.asked {
                watched.asked = true;
                request.watch.push(WatchedMailbox {
                    actor: Some(watched.actor.clone()),
                    mailbox_id,
                });
            }
            true
        });
        request
    }

    fn forget_asked(&self) {
        for watched in self.mailboxes().values_mut() {
            watched.asked = false;
        }
    }

    fn told(&self, response: WatchResponse) {
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
    /// Begins to watch, until `shutdown`.
    pub(crate) fn start(channel: Channel, shutdown: CancellationToken) -> Self {
        let shared = Arc::new(Shared {
            mailboxes: Mutex::default(),
            news: Notify::new(),
        });
        let watch = Self(Arc::clone(&shared));
        tokio::spawn(shutdown.run_until_cancelled_owned(follow(shared, channel)));
        watch
    }

    /// Watches a mailbox. What changed since its state was read is told as well: either another
    /// session has watched it all the while, or the store tells the present state now.
    ///
    /// Whoever asks has opened it, so all who watch it may.
    pub(crate) fn subscribe(&self, actor: &Actor, mailbox_id: i64) -> Subscription {
        let mut mailboxes = self.0.mailboxes();
        let watched = mailboxes.entry(mailbox_id).or_insert_with(|| Watched {
            actor: actor.clone(),
            highest: watch::Sender::new(0),
            sessions: 0,
            asked: false,
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

/// Keeps a stream open; the first when a session has come: before there is nothing to hear.
async fn follow(shared: Arc<Shared>, channel: Channel) {
    shared.news.notified().await;
    let newest = Arc::new(Mutex::new(None));
    let (asking, opening) = (Arc::clone(&shared), Arc::clone(&newest));
    let mut notices = stream::Watch::new(PAUSES, move || {
        let (requests, outbound) = mpsc::channel(BACKLOG);
        // All that is watched, along with the opening: there is room.
        asking.forget_asked();
        let _ = requests.try_send(asking.unasked());
        *lock(&opening) = Some(requests);
        let mut store = MailboxStoreClient::new(channel.clone());
        async move { store.watch(ReceiverStream::new(outbound)).await }
    });
    // Those of the stream that is open.
    let mut requests = None;
    loop {
        tokio::select! {
            event = notices.next() => match event {
                WatchEvent::Opened => requests = lock(&newest).take(),
                WatchEvent::Received(notice) => shared.told(notice),
                WatchEvent::Ended(status) => {
                    requests = None;
                    // That mailbox-store is away stands in the log already.
                    tracing::debug!(code = ?status.code(), "no change notices; trying again");
                }
            },
            // Before it is open nobody would take them.
            () = shared.news.notified(), if requests.is_some() => {
                tell(&shared, requests.as_ref()).await;
            }
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the store what is watched from now on, and what no longer.
async fn tell(shared: &Shared, requests: Option<&mpsc::Sender<WatchRequest>>) {
    let Some(requests) = requests else { return };
    let Ok(room) = requests.reserve().await else {
        // The stream has ended: the next one begins with all that is watched.
        return;
    };
    let request = shared.unasked();
    if !(request.watch.is_empty() && request.unwatch.is_empty()) {
        room.send(request);
    }
}

impl Subscription {
    /// The highest MODSEQ that was told of the mailbox.
    pub(crate) fn highest(&self) -> u64 {
        *self.highest.borrow()
    }

    /// Waits until a higher MODSEQ than this was told.
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
