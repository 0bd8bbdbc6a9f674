//! Uploads the text of a message that is too large to travel inline, while it still arrives; both ends of
//! the call.

use std::time::Duration;

use bytes::Bytes;
use channel::Channel;
use futures::Stream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Response, Status, Streaming};

use crate::mailbox::v1::mailbox_store_client::MailboxStoreClient;
use crate::message::v1::{Chunk, StoredText};
use crate::queue::v1::queue_client::QueueClient;

/// Texts up to this size travel inline with the message (`Content.inline`), octets.
pub const INLINE_LIMIT: usize = 256 * 1024;

/// Pieces in transit: limits the memory of an upload to 1 MiB.
const PIECES_UNDER_WAY: usize = 4;

/// Time limit for the store to take a piece, and for its final answer.
const PIECE_TIMEOUT: Duration = Duration::from_secs(60);

/// The pieces of an upload for a store; ends with an error unless the last piece arrived.
///
/// The end of the stream alone proves nothing: an aborting caller may end the stream before it cancels the
/// call.
pub fn pieces(stream: Streaming<Chunk>) -> impl Stream<Item = Result<Bytes, Status>> + Send {
    futures::stream::try_unfold((stream, false), |(mut stream, complete)| async move {
        if complete {
            return Ok(None);
        }
        match stream.message().await? {
            Some(chunk) => Ok(Some((chunk.data, (stream, chunk.last)))),
            None => Err(Status::cancelled("the text ended before its last piece")),
        }
    })
}

/// An upload in progress. Dropping it aborts the call, and the store removes the received pieces.
pub struct TextUpload {
    pieces: mpsc::Sender<Chunk>,
    call: AbortOnDropHandle<Result<Response<StoredText>, Status>>,
}

impl TextUpload {
    /// Starts an upload to the queue, for a message to be enqueued.
    #[must_use]
    pub fn to_queue(channel: Channel) -> Self {
        let (pieces, outbound) = mpsc::channel(PIECES_UNDER_WAY);
        let call = tokio::spawn(async move {
            QueueClient::new(channel)
                .store_text(ReceiverStream::new(outbound))
                .await
        });
        Self {
            pieces,
            call: AbortOnDropHandle::new(call),
        }
    }

    /// Starts an upload to mailbox-store, for a message to be appended.
    #[must_use]
    pub fn to_mailbox_store(channel: Channel) -> Self {
        let (pieces, outbound) = mpsc::channel(PIECES_UNDER_WAY);
        let call = tokio::spawn(async move {
            MailboxStoreClient::new(channel)
                .store_text(ReceiverStream::new(outbound))
                .await
        });
        Self {
            pieces,
            call: AbortOnDropHandle::new(call),
        }
    }

    /// Sends the next piece, of at most [`INLINE_LIMIT`] octets; waits while the store is slower.
    ///
    /// # Errors
    /// If the store has given up; [`finish`](Self::finish) returns the reason.
    pub async fn send(&self, data: Bytes) -> Result<(), Status> {
        self.piece(Chunk { data, last: false }).await
    }

    async fn piece(&self, piece: Chunk) -> Result<(), Status> {
        match timeout(PIECE_TIMEOUT, self.pieces.send(piece)).await {
            Ok(sent) => {
                sent.map_err(|_| Status::unavailable("the upload was broken off by the store"))
            }
            Err(_) => Err(overdue()),
        }
    }

    /// Ends the upload and waits until the text is stored.
    ///
    /// # Errors
    /// The store's error, or that it cannot be reached.
    pub async fn finish(self) -> Result<StoredText, Status> {
        let last = Chunk {
            data: Bytes::new(),
            last: true,
        };
        // If the store has given up, its answer gives the reason.
        let _ = self.piece(last).await;
        drop(self.pieces);
        match timeout(PIECE_TIMEOUT, self.call).await {
            Ok(Ok(result)) => result.map(Response::into_inner),
            Ok(Err(_)) => Err(Status::internal("the upload's task ended early")),
            Err(_) => Err(overdue()),
        }
    }
}

fn overdue() -> Status {
    Status::deadline_exceeded("the store does not take the text in time")
}
