//! Change notifications, and the lock of a maildrop.

use std::collections::HashSet;

use api::grpc::{Response, Status, Streaming};
use api::mailbox::v1::{
    LockMaildropResponse, MailboxChange, WatchRequest, WatchResponse, WatchedMailbox,
};
use futures::stream::{self, StreamExt as _};
use tokio::sync::broadcast;

use super::Mailboxes;
use super::state::user;
use crate::{Answer, Answers};

/// The MODSEQ in a notification about a deleted mailbox.
pub(super) const GONE: u64 = i64::MAX as u64;

/// A special change that ends the streams of notifications.
pub(super) const BREAK: MailboxChange = MailboxChange {
    mailbox_id: -1,
    highest_modseq: 0,
};

struct Watching {
    store: Mailboxes,
    requests: Streaming<WatchRequest>,
    changes: broadcast::Receiver<MailboxChange>,
    watched: HashSet<i64>,
}

impl Watching {
    async fn next(&mut self) -> Option<WatchResponse> {
        loop {
            tokio::select! {
                request = self.requests.message() => {
                    let request = request.ok().flatten()?;
                    for id in request.unwatch {
                        self.watched.remove(&id);
                    }
                    // The current state is sent at once.
                    let changes = request.watch.iter().map(|watched| self.present(watched));
                    let changes: Vec<MailboxChange> = changes.collect();
                    let there = changes.iter().filter(|change| change.highest_modseq != GONE);
                    self.watched.extend(there.map(|change| change.mailbox_id));
                    return Some(WatchResponse { changes });
                }
                change = self.changes.recv() => {
                    let change = change.ok().filter(|change| *change != BREAK)?;
                    if self.watched.contains(&change.mailbox_id) {
                        return Some(WatchResponse { changes: vec![change] });
                    }
                }
            }
        }
    }

    /// Another user's mailbox is reported as deleted.
    fn present(&self, watched: &WatchedMailbox) -> MailboxChange {
        let mut state = self.store.state();
        let user_id = user(watched.actor.as_ref());
        let mailbox = user_id.and_then(|user_id| state.owned(user_id, watched.mailbox_id));
        let modseq = mailbox.map(|mailbox| mailbox.modseq);
        MailboxChange {
            mailbox_id: watched.mailbox_id,
            highest_modseq: modseq.unwrap_or(GONE),
        }
    }
}

/// Unlocks the maildrop when its stream is dropped.
struct Held {
    store: Mailboxes,
    user_id: i64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.store.state().maildrops.remove(&self.user_id);
    }
}

impl Mailboxes {
    pub(super) fn watched(&self, requests: Streaming<WatchRequest>) -> Answers<WatchResponse> {
        let watching = Watching {
            store: self.clone(),
            requests,
            changes: self.0.changes.subscribe(),
            watched: HashSet::new(),
        };
        let notices = stream::unfold(watching, |mut watching| async {
            let notice = watching.next().await?;
            Some((Ok(notice), watching))
        });
        notices.boxed()
    }

    pub(super) fn held_maildrop(&self, user_id: i64) -> Answer<Answers<LockMaildropResponse>> {
        let mut state = self.state();
        let inbox = state.named(user_id, "INBOX")?.state();
        if !state.maildrops.insert(user_id) {
            return Err(Status::failed_precondition("another session holds it"));
        }
        drop(state);
        let held = Held {
            store: self.clone(),
            user_id,
        };
        let first = LockMaildropResponse { inbox: Some(inbox) };
        let mut restarts = self.0.restarts.subscribe();
        let until_lost = stream::once(async move {
            let _held = held;
            // The sender lives as long as the store.
            let _ = restarts.changed().await;
            Err(Status::unavailable("the maildrop's lock is lost"))
        });
        let answers = stream::iter([Ok(first)]).chain(until_lost);
        Ok(Response::new(answers.boxed()))
    }
}
