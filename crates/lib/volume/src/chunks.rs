//! Splits a stream of bytes, in pieces of any size, into chunks of [`CHUNK_SIZE`].

use bytes::{Bytes, BytesMut};

use crate::CHUNK_SIZE;

/// Collects bytes until a chunk is full.
#[derive(Debug, Default)]
pub(crate) struct Chunker {
    held: BytesMut,
}

impl Chunker {
    pub(crate) fn push(&mut self, data: &[u8]) {
        self.held.extend_from_slice(data);
    }

    /// A full chunk, if there is one.
    pub(crate) fn full(&mut self) -> Option<Bytes> {
        (self.held.len() >= CHUNK_SIZE).then(|| self.held.split_to(CHUNK_SIZE).freeze())
    }

    /// The rest at the end.
    pub(crate) fn rest(self) -> Option<Bytes> {
        (!self.held.is_empty()).then(|| self.held.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_full_but_for_the_last_and_lose_nothing() {
        let data: Vec<u8> = (0..CHUNK_SIZE * 2 + 7).map(|n| (n % 251) as u8).collect();
        let mut chunker = Chunker::default();
        let mut chunks = Vec::new();
        for piece in data.chunks(10_007) {
            chunker.push(piece);
            while let Some(chunk) = chunker.full() {
                chunks.push(chunk);
            }
        }
        chunks.extend(chunker.rest());
        let sizes: Vec<usize> = chunks.iter().map(Bytes::len).collect();
        assert_eq!(sizes, [CHUNK_SIZE, CHUNK_SIZE, 7]);
        assert_eq!(chunks.concat(), data);
    }
}
