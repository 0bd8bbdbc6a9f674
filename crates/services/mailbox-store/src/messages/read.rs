//! Octets of one message.

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use crate::store::Store;
use crate::values::unsigned;
use crate::{Error, Result};

/// Octets of prefix, header and text from `offset` on; `length` of them, or all if it is 0.
pub async fn read(
    store: &Store,
    mailbox_id: i64,
    uid: u32,
    offset: u64,
    length: u64,
) -> Result<impl Stream<Item = Result<Bytes>> + Send + 'static> {
    let message = sqlx::query!(
        "SELECT body_id, prefix, size FROM mailbox.message WHERE mailbox_id = $1 AND uid = $2",
        mailbox_id,
        i64::from(uid)
    )
    .fetch_optional(store.pool())
    .await?
    .ok_or_else(|| Error::NotFound(format!("message {uid} of mailbox {mailbox_id}")))?;
    let size = unsigned(message.size);
    let end = match length {
        0 => size,
        length => offset.saturating_add(length).min(size),
    };
    let start = offset.min(end);
    let prefix_size = message.prefix.len() as u64;
    let within_prefix = |at: u64| usize::try_from(at.min(prefix_size)).unwrap_or(usize::MAX);
    let prefix = Bytes::from(message.prefix).slice(within_prefix(start)..within_prefix(end));
    let range = start.saturating_sub(prefix_size)..end.saturating_sub(prefix_size);
    let pieces = stream::iter((!prefix.is_empty()).then_some(Ok(prefix)));
    let body = (!range.is_empty())
        .then(|| volume::read(store.pool().clone(), message.body_id, range).map_err(Error::from));
    Ok(pieces.chain(stream::iter(body).flatten()))
}
