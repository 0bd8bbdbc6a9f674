//! The octets of a message for another server: the start in memory, the rest as a stream.

use api::grpc::{Status, Streaming};
use api::message::v1::Chunk;
use bytes::Bytes;

use super::state::Remote;
use crate::body;
use crate::work::Work;

/// Octets read before the transaction begins: the whole of most messages, the header of all.
const READ_AHEAD: usize = 256 * 1024;

/// A message being read.
pub(super) struct Body {
    ahead: std::vec::IntoIter<Bytes>,
    rest: Option<Streaming<Chunk>>,
    /// Its header has octets above 127.
    pub(super) header_beyond_ascii: bool,
    /// Number of its Received fields.
    pub(super) hops: usize,
}

impl Body {
    /// Reads the start.
    pub(super) async fn open(remote: &Remote, work: &Work) -> Result<Self, Status> {
        let mut chunks = body::open(&remote.setup.queue, work.message.body_id, false).await?;
        let prefix = &work.message.prefix;
        let mut ahead = Vec::from_iter((!prefix.is_empty()).then(|| prefix.clone()));
        let mut size = 0;
        let mut rest = true;
        while rest && size < READ_AHEAD {
            match chunks.message().await? {
                Some(chunk) => {
                    size += chunk.data.len();
                    ahead.push(chunk.data);
                }
                None => rest = false,
            }
        }
        let (hops, header_beyond_ascii) = look(&ahead);
        Ok(Self {
            ahead: ahead.into_iter(),
            rest: rest.then_some(chunks),
            header_beyond_ascii,
            hops,
        })
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        if let Some(piece) = self.ahead.next() {
            return Ok(Some(piece));
        }
        let Some(chunks) = &mut self.rest else {
            return Ok(None);
        };
        Ok(chunks.message().await?.map(|chunk| chunk.data))
    }
}

/// Counts the Received fields of the header, and finds out whether it is more than ASCII.
fn look(pieces: &[Bytes]) -> (usize, bool) {
    let mut scanner = message::Scanner::new();
    for piece in pieces {
        if scanner.header_complete() || scanner.push(piece).is_err() {
            break;
        }
    }
    let header = scanner.header();
    (message::trace::hops(header), !header.is_ascii())
}
