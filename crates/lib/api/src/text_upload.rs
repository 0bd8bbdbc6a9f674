//! Uploading the text of a message larger than travels inline, while it is still arriving; both
//! ends of it.

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

/// Pieces that may be under way: bounds what an upload holds in memory to 1 MiB.
const PIECES_UNDER_WAY: usize = 4;

/// How long the store may take for a piece, and for its answer at the end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pieces of an upload, as a store takes them: they end in an error unless the last one came.
///
/// That a stream has ended says nothing: whoever gave up may have been quicker to end it than to
/// break the call off.
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

/// An upload under way. Dropping it breaks the call off: the store removes what it got.
pub struct TextUpload {
    pieces: mpsc::Sender<Chunk>,
    call: AbortOnDropHandle<Result<Response<StoredText>, Status>>,
}

impl TextUpload {
    /// Begins an upload to the queue, for a message that will be enqueued.
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

    /// Begins an upload to the mailbox store, for a message that will be appended.
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

    /// Sends the next piece, of at most [`INLINE_LIMIT`] octets; waits while the store is behind.
    ///
    /// # Errors
    /// When the store has given up; [`finish`](Self::finish) would tell why.
    pub async fn send(&self, data: Bytes) -> Result<(), Status> {
        self.piece(Chunk { data, last: false }).await
    }

    async fn piece(&self, piece: Chunk) -> Result<(), Status> {
        match timeout(PATIENCE, self.pieces.send(piece)).await {
            Ok(sent) => {
                sent.map_err(|_| Status::unavailable("the upload was broken off by the store"))
            }
            Err(_) => Err(overdue()),
        }
    }

    /// Ends the upload and waits until the text is stored.
    ///
    /// # Errors
    /// What the store answered, or that it could not be reached.
    pub async fn finish(self) -> Result<StoredText, Status> {
        let last = Chunk {
            data: Bytes::new(),
            last: true,
        };
        // Where the store has given up, its answer tells why.
        let _ = self.piece(last).await;
        drop(self.pieces);
        match timeout(PATIENCE, self.call).await {
            Ok(Ok(result)) => result.map(Response::into_inner),
            Ok(Err(_)) => Err(Status::internal("the upload's task ended early")),
            Err(_) => Err(overdue()),
        }
    }
}

fn overdue() -> Status {
    Status::deadline_exceeded("the store does not take the text in time")
}
