//! Reading the bytes of queued messages.

use api::grpc::{Channel, Status, Streaming};
use api::message::v1::Chunk;
use api::queue::v1::{ReadMessageRequest, queue_client::QueueClient};
use bytes::{Bytes, BytesMut};

/// A header section, pieces of which may be of any size.
const HEADER_LIMIT: usize = message::MAX_HEADER;

/// Opens the stream of a message's bytes: header, then text.
pub(crate) async fn open(
    channel: &Channel,
    body_id: i64,
    header_only: bool,
) -> Result<Streaming<Chunk>, Status> {
    let request = ReadMessageRequest {
        body_id,
        header_only,
    };
    let response = QueueClient::new(channel.clone())
        .read_message(request)
        .await?;
    Ok(response.into_inner())
}

/// Reads a header section, or a whole message of at most `limit` octets.
pub(crate) async fn read(
    channel: &Channel,
    body_id: i64,
    header_only: bool,
    limit: usize,
) -> Result<Bytes, Status> {
    let limit = if header_only { HEADER_LIMIT } else { limit };
    let mut chunks = open(channel, body_id, header_only).await?;
    let mut bytes = BytesMut::new();
    while let Some(chunk) = chunks.message().await? {
        if bytes.len() + chunk.data.len() > limit {
            return Err(Status::out_of_range("more octets than were announced"));
        }
        bytes.extend_from_slice(&chunk.data);
    }
    Ok(bytes.freeze())
}
