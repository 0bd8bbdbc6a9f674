//! Uploaded texts.

use std::sync::{Arc, Mutex};

use api::grpc::{Response, Status, Streaming};
use api::message::v1::{Chunk, StoredText};
use futures::TryStreamExt as _;

use crate::Answer;

/// Maximum size of a piece.
const LARGEST_PIECE: usize = 256 * 1024;

/// Texts by their names, which are numbers from 0 on. Clones are the same store.
#[derive(Debug, Clone, Default)]
pub struct Texts(Arc<Mutex<Vec<Vec<u8>>>>);

impl Texts {
    /// Receives a text, piece by piece, while `may` allows it.
    pub async fn store(
        &self,
        pieces: Streaming<Chunk>,
        may: impl Fn() -> Result<(), Status> + Send,
    ) -> Answer<StoredText> {
        let mut text = Vec::new();
        let mut pieces = std::pin::pin!(api::text_upload::pieces(pieces));
        while let Some(piece) = pieces.try_next().await? {
            assert!(piece.len() <= LARGEST_PIECE);
            may()?;
            text.extend_from_slice(&piece);
        }
        let mut texts = self.0.lock().unwrap();
        let stored = StoredText {
            name: texts.len().to_string().into(),
            size: text.len() as u64,
        };
        texts.push(text);
        Ok(Response::new(stored))
    }

    /// The text with this name.
    pub fn get(&self, name: &[u8]) -> Vec<u8> {
        let index: usize = std::str::from_utf8(name).unwrap().parse().unwrap();
        self.0.lock().unwrap()[index].clone()
    }

    /// The number of texts.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}
