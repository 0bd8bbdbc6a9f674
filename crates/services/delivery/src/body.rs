//! Reads the octets of queued messages. The prefix came with the lease; the queue has the body.

use api::grpc::{Channel, Status, Streaming};
use api::message::v1::Chunk;
use api::queue::v1::{LeasedMessage, ReadBodyRequest, queue_client::QueueClient};
use bytes::{Bytes, BytesMut};

/// Limit of a header section, which may arrive in pieces of any size.
const HEADER_LIMIT: usize = message::MAX_HEADER;

/// Opens the stream of a body's octets: header, then text.
pub(crate) async fn open(
    channel: &Channel,
    body_id: i64,
    header_only: bool,
) -> Result<Streaming<Chunk>, Status> {
    let request = ReadBodyRequest {
        body_id,
        header_only,
    };
    let response = QueueClient::new(channel.clone()).read_body(request).await?;
    Ok(response.into_inner())
}

/// Reads a message: its prefix and header section only, or also the text, with at most `limit` octets of the
/// body.
pub(crate) async fn read(
    channel: &Channel,
    message: &LeasedMessage,
    header_only: bool,
    limit: usize,
) -> Result<Bytes, Status> {
    let limit = if header_only { HEADER_LIMIT } else { limit };
    let limit = limit + message.prefix.len();
    let mut chunks = open(channel, message.body_id, header_only).await?;
    let mut bytes = BytesMut::from(&*message.prefix);
    while let Some(chunk) = chunks.message().await? {
        if bytes.len() + chunk.data.len() > limit {
            return Err(Status::out_of_range("more octets than were announced"));
        }
        bytes.extend_from_slice(&chunk.data);
    }
    Ok(bytes.freeze())
}
