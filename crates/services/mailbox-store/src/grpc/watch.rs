//! The stream of Watch.

use api::grpc::{Status, Streaming};
use api::mailbox::v1::{MailboxChange, WatchRequest, WatchResponse};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::notices::{self, Watcher};
use crate::store::Store;
use crate::{Error, Result};

/// Mailboxes that one stream watches, at most.
const MOST: usize = 100_000;

/// Serves one stream until either side ends it. A mailbox that is newly watched is told at once
/// where it stands, so that no change is lost between opening and watching it.
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
    // First watched, then asked: a change in between is told twice rather than never.
    watcher.watch(&request.watch);
    let present = notices::present(store.pool(), &request.watch).await?;
    watcher.tell(&present);
    Ok(())
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
