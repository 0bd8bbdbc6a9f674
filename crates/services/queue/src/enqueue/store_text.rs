//! `StoreText`: the text of a large message, before the message.

use api::grpc::Streaming;
use api::message::v1::{Chunk, StoredText};

use crate::engine::Engine;
use crate::error::{Error, Result};

/// Largest text. How large a message may be is policy; this is what an upload may never exceed.
const MAX_TEXT: u64 = 4 * 1024 * 1024 * 1024;

/// Stores what the stream brings.
pub(crate) async fn store_text(engine: &Engine, pieces: Streaming<Chunk>) -> Result<StoredText> {
    let pieces = api::text_upload::pieces(pieces);
    let now = engine.clock.now();
    let stored = volume::store_text(&engine.pool, &engine.ids, pieces, MAX_TEXT, now)
        .await
        .map_err(Error::from)?;
    Ok(StoredText {
        id: stored.id,
        size: stored.size,
    })
}
