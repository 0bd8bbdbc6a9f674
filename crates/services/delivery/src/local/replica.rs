//! The stream to one replica of mailbox-store. It moves when replicas come or go, or when a connection is
//! replaced.

use api::grpc::{Channel, Connection, Status};
use api::mailbox::v1::mailbox_store_client::MailboxStoreClient;
use api::mailbox::v1::{DeliverRequest, DeliverResponse};
use api::stream::{Opened, TaggedCalls};
use futures::FutureExt as _;

use super::{CALLS, LocalDelivery, MESSAGE_LIMIT, PAUSES};

/// Calls over a stream to the replica of this number.
pub(super) fn calls(
    channel: Channel,
    number: usize,
) -> TaggedCalls<Vec<LocalDelivery>, DeliverRequest, DeliverResponse> {
    TaggedCalls::new(PAUSES, CALLS, move |requests| {
        let channel = channel.clone();
        async move {
            channel.connected().await?;
            let connection = connection(&channel, number)
                .ok_or_else(|| Status::unavailable("the connection was lost at once"))?;
            let responses = MailboxStoreClient::new(connection.clone())
                .max_decoding_message_size(MESSAGE_LIMIT)
                .max_encoding_message_size(MESSAGE_LIMIT)
                .deliver(requests)
                .await?;
            let replaced = replaced(channel, number, connection);
            Ok(Opened::new(responses.into_inner()).until(replaced))
        }
        .boxed()
    })
}

/// The connection to the replica of this number; there may be fewer replicas.
fn connection(channel: &Channel, number: usize) -> Option<Connection> {
    let mut connections = channel.connections();
    connections.sort_by_key(Connection::number);
    let index = number.checked_rem(connections.len())?;
    Some(connections.swap_remove(index))
}

/// Waits until another connection replaces this one.
async fn replaced(channel: Channel, number: usize, used: Connection) {
    let mut changes = channel.changes();
    loop {
        let other = connection(&channel, number).filter(|it| it.number() != used.number());
        if other.is_some() || changes.changed().await.is_err() {
            return;
        }
    }
}
