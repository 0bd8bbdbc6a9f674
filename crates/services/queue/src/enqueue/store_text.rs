//! `StoreText`: upload of a large message's text, ahead of the message.

use api::grpc::Streaming;
use api::message::v1::{Chunk, StoredText};

use crate::engine::Engine;
use crate::error::{Error, Result};

/// Largest upload. The policy limits messages; this limit holds in any case.
const MAX_TEXT: u64 = 4 * 1024 * 1024 * 1024;

/// Stores the text from the stream.
pub(crate) async fn store_text(engine: &Engine, pieces: Streaming<Chunk>) -> Result<StoredText> {
    let pieces = api::text_upload::pieces(pieces);
    let now = engine.clock.now();
    let stored = volume::store_text(&engine.pool, &engine.ids, pieces, MAX_TEXT, now)
        .await
        .map_err(Error::from)?;
    Ok(StoredText {
        name: stored.name(),
        size: stored.size,
    })
}
