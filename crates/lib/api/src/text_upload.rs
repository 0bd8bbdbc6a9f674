//! Uploading the text of a message larger than travels inline, while it is still arriving.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::mailbox::v1::mailbox_store_client::MailboxStoreClient;
use crate::message::v1::{Chunk, StoredText};
use crate::queue::v1::queue_client::QueueClient;

/// Texts up to this size travel inline with the message (`Content.inline`), octets.
pub const INLINE_LIMIT: usize = 256 * 1024;

/// Pieces that may be under way: bounds what an upload holds in memory to 1 MiB.
const PIECES_UNDER_WAY: usize = 4;

/// An upload under way. Dropping it gives it up; the store forgets what it got.
pub struct TextUpload {
    pieces: mpsc::Sender<Chunk>,
    call: JoinHandle<Result<Response<StoredText>, Status>>,
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
        Self { pieces, call }
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
        Self { pieces, call }
    }

    /// Sends the next piece, of at most [`INLINE_LIMIT`] octets; waits while the store is behind.
    ///
    /// # Errors
    /// When the store has given up; [`finish`](Self::finish) would tell why.
    pub async fn send(&self, data: Bytes) -> Result<(), Status> {
        self.pieces
            .send(Chunk { data })
            .await
            .map_err(|_| Status::unavailable("the upload was broken off by the store"))
    }

    /// Ends the upload and waits until the text is stored.
    ///
    /// # Errors
    /// What the store answered, or that it could not be reached.
    pub async fn finish(self) -> Result<StoredText, Status> {
        drop(self.pieces);
        match self.call.await {
            Ok(result) => result.map(Response::into_inner),
            Err(_) => Err(Status::internal("the upload's task ended early")),
        }
    }
}
