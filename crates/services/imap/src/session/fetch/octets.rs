//! Octets of a message: from the fetched message, or streamed from the store.

use std::ops::Range;

use api::grpc::{Code, Streaming};
use api::mailbox::v1::{FetchedMessage, ReadMessageRequest};
use api::message::v1::Chunk;
use bytes::{Bytes, BytesMut};
use imap_protocol::Partial;
use imap_protocol::wire::{Side, put_literal_mark};

use super::write::Responses;
use crate::answer::Stop;
use crate::server::{next, timed};
use crate::session::FLUSH_AT;

/// Maximum size of an attached message's header section; octets after it are ignored.
const LARGEST_HEADER: u64 = 1024 * 1024;

/// The result of sending octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PutResult {
    Sent,
    /// The message has gone meanwhile, and nothing of it was sent.
    Gone,
}

/// The part of a range selected by `<offset.length>`.
pub(super) fn part_of(range: Range<u64>, partial: Option<Partial>) -> Range<u64> {
    let Some(partial) = partial else { return range };
    let start = range
        .start
        .saturating_add(partial.offset.into())
        .min(range.end);
    let end = start
        .saturating_add(partial.length.get().into())
        .min(range.end);
    start..end
}

/// The octets of a range, if the whole message was fetched.
fn at_hand(message: &FetchedMessage, range: &Range<u64>) -> Option<Bytes> {
    let content = message.content.as_ref()?;
    let end = usize::try_from(range.end).ok()?;
    let start = usize::try_from(range.start).ok()?;
    (start <= end && end <= content.len()).then(|| content.slice(start..end))
}

impl Responses<'_> {
    /// Writes a literal with these octets of the message.
    pub(super) async fn put_range(
        &mut self,
        message: &FetchedMessage,
        range: Range<u64>,
    ) -> Result<PutResult, Stop> {
        let size = range.end.saturating_sub(range.start);
        if let Some(octets) = at_hand(message, &range) {
            put_literal_mark(self.io.output(), size, Side::Server);
            self.put_octets(&octets).await?;
            return Ok(PutResult::Sent);
        }
        if size == 0 {
            put_literal_mark(self.io.output(), 0, Side::Server);
            return Ok(PutResult::Sent);
        }
        let Some((first, mut rest)) = self.read(message.uid, range).await? else {
            return Ok(PutResult::Gone);
        };
        put_literal_mark(self.io.output(), size, Side::Server);
        // The literal's length has been sent: without all its octets the connection is unusable.
        let mut left = size;
        let mut piece = Some(first);
        while let Some(chunk) = piece {
            let length = chunk.data.len() as u64;
            left = left.checked_sub(length).ok_or(Stop::Lost)?;
            self.io.write(&chunk.data).await?;
            piece = next(&mut rest).await.map_err(|status| {
                tracing::warn!(code = ?status.code(), "a message broke off while it was sent");
                Stop::Lost
            })?;
        }
        if left > 0 {
            return Err(Stop::Lost);
        }
        Ok(PutResult::Sent)
    }

    /// Adds octets to the output, or flushes it if it would grow large (I7).
    async fn put_octets(&mut self, octets: &[u8]) -> Result<(), Stop> {
        if self.io.output().len() + octets.len() < FLUSH_AT {
            self.io.output().extend_from_slice(octets);
        } else {
            self.io.write(octets).await?;
        }
        Ok(())
    }

    /// Octets of a header section within the message.
    pub(super) async fn header_within(
        &mut self,
        message: &FetchedMessage,
        range: Range<u64>,
    ) -> Result<Option<Bytes>, Stop> {
        let range = range.start..range.end.min(range.start.saturating_add(LARGEST_HEADER));
        if let Some(octets) = at_hand(message, &range) {
            return Ok(Some(octets));
        }
        if range.is_empty() {
            return Ok(Some(Bytes::new()));
        }
        let Some((first, mut rest)) = self.read(message.uid, range).await? else {
            return Ok(None);
        };
        let mut header = BytesMut::from(&*first.data);
        while let Some(chunk) = next(&mut rest).await? {
            header.extend_from_slice(&chunk.data);
        }
        Ok(Some(header.freeze()))
    }

    /// Begins to read, and waits for the first octets; `None` if the message has gone.
    async fn read(
        &mut self,
        uid: u32,
        range: Range<u64>,
    ) -> Result<Option<(Chunk, Streaming<Chunk>)>, Stop> {
        let open = self.mailbox;
        let request = ReadMessageRequest {
            actor: Some(open.actor.clone()),
            mailbox_id: open.id,
            uid,
            offset: range.start,
            length: range.end.saturating_sub(range.start),
        };
        let mut store = self.server.store();
        let mut chunks = match store.read_message(timed(request)).await {
            Ok(chunks) => chunks.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            Err(status) => return Err(status.into()),
        };
        match next(&mut chunks).await {
            Ok(first) => Ok(first.map(|first| (first, chunks))),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }
}
