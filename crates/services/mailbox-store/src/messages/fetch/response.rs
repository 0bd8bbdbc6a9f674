//! Conversion of rows to answers.

use api::mailbox::v1::{FetchResponse, FetchedMessage};
use api::message::v1::Summary;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use prost::Message as _;

use super::{FetchItems, Row};
use crate::messages::flags;
use crate::store::Store;
use crate::values::unsigned;
use crate::{Error, Result};

const MOST_MESSAGES: usize = 500;
const MOST_OCTETS: usize = 256 * 1024;

/// The next answer, while it is being filled.
#[derive(Debug, Default)]
pub(super) struct Batch {
    messages: Vec<FetchedMessage>,
    octets: usize,
}

/// The parts of a Summary that are sent unchanged. The others are skipped unread.
#[derive(Clone, PartialEq, prost::Message)]
struct WireForms {
    #[prost(bytes = "bytes", tag = "1")]
    envelope: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    body_structure: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    body: Bytes,
}

/// A whole message whose text is still to be read.
#[derive(Debug)]
pub(super) struct Chunked {
    prefix: Bytes,
    body_id: i64,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= MOST_MESSAGES || self.octets >= MOST_OCTETS
    }

    pub(super) fn into_answer(self) -> FetchResponse {
        FetchResponse {
            messages: self.messages,
        }
    }

    /// Adds a message. Returns what is still missing of it, if anything.
    pub(super) fn push(&mut self, row: Row, wanted: &FetchItems) -> Result<Option<Chunked>> {
        let mut chunked = None;
        let mut message = FetchedMessage {
            uid: row.uid(),
            modseq: unsigned(row.modseq),
            prefix_size: u32::try_from(row.prefix_size).unwrap_or(0),
            ..FetchedMessage::default()
        };
        let prefix = Bytes::from(row.prefix.unwrap_or_default());
        let header = Bytes::from(row.header.unwrap_or_default());
        let size = unsigned(row.size);
        if let Some(summary) = row.summary {
            take_summary(&mut message, summary.into(), wanted)?;
        }
        if wanted.content_up_to > 0 && size <= wanted.largest_whole() {
            match row.text {
                Some(text) => message.content = Some([&prefix, &header, &*text].concat().into()),
                None => {
                    chunked = Some(Chunked {
                        prefix: prefix.clone(),
                        body_id: row.body_id,
                    })
                }
            }
        }
        if wanted.header {
            message.header = [&*prefix, &*header].concat().into();
        }
        if wanted.flags {
            message.flags = Some(flags(row.flags, row.keywords.unwrap_or_default()));
        }
        if wanted.internal_date {
            message.internal_date_ms = row.internal_date;
        }
        if wanted.size {
            message.size = size;
        }
        self.octets += message.encoded_len();
        self.messages.push(message);
        Ok(chunked)
    }

    /// Reads the missing text of the last message.
    pub(super) async fn complete(&mut self, chunked: Chunked, store: &Store) -> Result<()> {
        let content = whole(store, &chunked).await?;
        if let Some(last) = self.messages.last_mut() {
            last.content = Some(content);
        }
        Ok(())
    }
}

fn take_summary(message: &mut FetchedMessage, summary: Bytes, wanted: &FetchItems) -> Result<()> {
    let broken = |error| Error::Internal(format!("a stored summary cannot be read: {error}"));
    if wanted.parts {
        let parts = Summary::decode(summary.clone()).map_err(broken)?.parts;
        message.parts = parts;
    }
    let forms = WireForms::decode(summary).map_err(broken)?;
    if wanted.envelope {
        message.envelope = forms.envelope;
    }
    if wanted.body_structure {
        message.body_structure = forms.body_structure;
    }
    if wanted.body {
        message.body = forms.body;
    }
    Ok(())
}

/// A whole message whose text is stored in chunks.
async fn whole(store: &Store, chunked: &Chunked) -> Result<Bytes> {
    let mut content = BytesMut::from(&*chunked.prefix);
    let body = volume::read(store.pool().clone(), chunked.body_id, 0..u64::MAX);
    let mut pieces = std::pin::pin!(body);
    while let Some(piece) = pieces.try_next().await? {
        content.extend_from_slice(&piece);
    }
    Ok(content.freeze())
}
