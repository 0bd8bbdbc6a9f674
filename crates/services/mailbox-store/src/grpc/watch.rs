//! The stream of Watch.

use api::grpc::{Status, Streaming};
use api::mailbox::v1::{MailboxChange, WatchRequest, WatchResponse, WatchedMailbox};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::actor::user;
use crate::notices::{self, GONE, Watcher};
use crate::store::Store;
use crate::{Error, Result};

/// Maximum number of mailboxes watched by one stream.
const MOST: usize = 100_000;

/// Serves one stream until either side ends it. The state of a newly watched mailbox is sent at once, so that
/// no change is lost between its opening and the start of the watch.
pub(super) async fn serve(
    store: Store,
    mut requests: Streaming<WatchRequest>,
    answers: mpsc::Sender<Result<WatchResponse, Status>>,
    shutdown: CancellationToken,
) {
    let watcher = store.hub().watcher();
    loop {
        let result = tokio::select! {
            request = requests.message() => match request {
                Ok(Some(request)) => follow(&store, &watcher, &request).await,
                Ok(None) | Err(_) => return,
            },
            changes = watcher.next() => {
                if answers.send(Ok(response(changes))).await.is_err() {
                    return;
                }
                Ok(())
            }
            () = answers.closed() => return,
            () = shutdown.cancelled() => {
                Err(Error::Unavailable("mailbox-store is stopping".into()))
            }
        };
        if let Err(error) = result {
            answers.send(Err(error.into())).await.ok();
            return;
        }
    }
}

async fn follow(store: &Store, watcher: &Watcher, request: &WatchRequest) -> Result<()> {
    watcher.unwatch(&request.unwatch);
    if request.watch.is_empty() {
        return Ok(());
    }
    if watcher.watches() + request.watch.len() > MOST {
        return Err(Error::Exhausted("too many mailboxes are watched".into()));
    }
    let (own, others) = sorted(store, &request.watch).await?;
    // Watched first, read second: a change in between is reported twice rather than never.
    watcher.watch(&own);
    let present = notices::present(store.pool(), &own).await?;
    watcher.tell(&present);
    let gone: Vec<_> = others.into_iter().map(|id| (id, GONE)).collect();
    watcher.tell(&gone);
    Ok(())
}

/// The mailboxes that belong to their actors; and the others, which belong to another user or do not exist.
async fn sorted(store: &Store, watch: &[WatchedMailbox]) -> Result<(Vec<i64>, Vec<i64>)> {
    let ids: Vec<i64> = watch.iter().map(|watched| watched.mailbox_id).collect();
    let owners = store.owners(&ids).await?;
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for watched in watch {
        let user_id = user(watched.actor.clone())?;
        let mailbox_id = watched.mailbox_id;
        match owners.get(&mailbox_id) {
            Some(owner) if *owner == user_id => own.push(mailbox_id),
            _ => others.push(mailbox_id),
        }
    }
    Ok((own, others))
}

fn response(changes: Vec<(i64, u64)>) -> WatchResponse {
    let changes = changes
        .into_iter()
        .map(|(mailbox_id, highest_modseq)| MailboxChange {
            mailbox_id,
            highest_modseq,
        })
        .collect();
    WatchResponse { changes }
}
