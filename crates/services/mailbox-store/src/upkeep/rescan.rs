//! Renews summaries made by an older scanner (I13): from the header section alone if the text makes no
//! difference, otherwise from the whole message.
//!
//! Batches are small, with pauses between them. Bodies are read outside any transaction: a large one takes long, and
//! Postgres ends idle transactions. Then the bodies whose summaries are still outdated are locked, and their
//! summaries replaced. So a process may end at any time, and if several replicas have read the same body, only one
//! writes. Mail that arrives or is removed meanwhile neither waits nor is missed. If reading a body fails
//! temporarily, the next pass continues after it; a later pass from the start reads it again.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use api::message::v1::Summary;
use futures::TryStreamExt;
use message::{SCANNER_VERSION, Scanner};
use prost::Message as _;
use sqlx::PgPool;

use super::Progress;
use crate::store::Store;
use crate::{Error, Result};

const _: () = assert!(SCANNER_VERSION == volume::summaries::SCANNER_VERSION);

/// Bodies in one batch.
const BATCH: i64 = 50;
/// Octets of text read for one batch; a larger body is read whole.
const BATCH_TEXT: u64 = 16 * 1024 * 1024;

/// Pause after a batch, as a multiple of its duration: a tenth of one connection's time is used.
const REST: u32 = 9;
/// The shortest pause.
const SHORTEST_REST: Duration = Duration::from_millis(20);

/// Interval between two counts of outdated summaries.
const COUNT_EVERY: Duration = Duration::from_secs(60);
/// Pause before outdated summaries are searched again if some were left: the database was away, space was
/// short, or another replica holds them.
const AGAIN: Duration = Duration::from_secs(60);
/// The same if none were left: a process of an older version may add more.
const IDLE: Duration = Duration::from_secs(3600);

/// Before the first body.
pub(super) const START: i64 = -1;

/// Renews outdated summaries for as long as it is polled.
pub(super) async fn keep(store: Store, progress: Progress) {
    let mut failed = false;
    let mut after = START;
    loop {
        let result = pass(&store, &progress, &mut after, REST).await;
        if let Err(error) = &result
            && !failed
        {
            tracing::warn!(%error, "renewing message summaries failed; trying again");
        }
        failed = result.is_err();
        let done = !failed && progress.outdated() == 0;
        tokio::time::sleep(if done { IDLE } else { AGAIN }).await;
    }
}

/// Renews the outdated summaries after `after`, except for locked ones. `after` is then [`START`]; if reading a
/// body failed, the id of that body.
pub(super) async fn pass(
    store: &Store,
    progress: &Progress,
    after: &mut i64,
    rest: u32,
) -> Result<()> {
    let mut counted = Instant::now();
    progress.counted(volume::summaries::count_outdated(store.pool()).await?);
    // Rows grow when they are rewritten.
    let may_write = || store.has_room().is_ok() && store.keeps().is_ok();
    if progress.outdated() == 0 || !may_write() {
        return Ok(());
    }
    tracing::info!(
        outdated = progress.outdated(),
        "renewing message summaries made by an older version"
    );
    while may_write() {
        let began = Instant::now();
        if !batch(store, progress, after).await? {
            *after = START;
            break;
        }
        tokio::time::sleep(began.elapsed().saturating_mul(rest).max(SHORTEST_REST)).await;
        if counted.elapsed() >= COUNT_EVERY {
            progress.counted(volume::summaries::count_outdated(store.pool()).await?);
            counted = Instant::now();
        }
    }
    progress.counted(volume::summaries::count_outdated(store.pool()).await?);
    if progress.outdated() == 0 {
        tracing::info!(
            renewed = progress.renewed(),
            unreadable = progress.unreadable(),
            "the summaries of all messages are up to date"
        );
    }
    Ok(())
}

/// Bodies that have been read.
#[derive(Debug, Default)]
struct Batch {
    renewed: Vec<(i64, volume::summaries::Summary)>,
    /// Octets of text that were read.
    text: u64,
    unreadable: Vec<(i64, Error)>,
    /// The temporary failure that ended the batch early.
    failure: Option<Error>,
}

/// Renews the summaries of some bodies after `after`, which becomes the last of them. Returns whether there were
/// any.
async fn batch(store: &Store, progress: &Progress, after: &mut i64) -> Result<bool> {
    let ids = volume::summaries::find_outdated(store.pool(), *after, BATCH).await?;
    if ids.is_empty() {
        return Ok(false);
    }
    let mut batch = Batch::default();
    let mut last = *after;
    for id in ids {
        last = id;
        batch.read(store.pool(), id).await;
        if batch.text >= BATCH_TEXT || batch.failure.is_some() {
            break;
        }
    }
    write(store, progress, &mut batch).await?;
    *after = last;
    batch.failure.map_or(Ok(true), Err)
}

impl Batch {
    async fn read(&mut self, pool: &PgPool, id: i64) {
        match scan(pool, id).await {
            Ok((summary, text)) => {
                let summary =
                    volume::summaries::Summary::new(SCANNER_VERSION, summary.encode_to_vec());
                self.renewed.push((id, summary));
                self.text += text;
            }
            Err(error) if error.is_transient() => self.failure = Some(error),
            // Removed meanwhile, or unreadable: a removed body cannot be locked.
            Err(error) => self.unreadable.push((id, error)),
        }
    }
}

/// Replaces the summaries that are still outdated; drops the others from the batch.
async fn write(store: &Store, progress: &Progress, batch: &mut Batch) -> Result<()> {
    let renewed = batch.renewed.iter().map(|(id, _)| *id);
    let unreadable = batch.unreadable.iter().map(|(id, _)| *id);
    let ids: Vec<i64> = renewed.chain(unreadable).collect();
    let mut transaction = store.pool().begin().await?;
    let locked = volume::summaries::lock_outdated(&mut transaction, &ids).await?;
    let locked: HashSet<i64> = locked.into_iter().collect();
    batch.renewed.retain(|(id, _)| locked.contains(id));
    batch.unreadable.retain(|(id, _)| locked.contains(id));
    let Batch {
        renewed,
        unreadable,
        ..
    } = &*batch;
    let passed_over: Vec<i64> = unreadable.iter().map(|(id, _)| *id).collect();
    volume::summaries::renew(&mut transaction, renewed).await?;
    volume::summaries::pass_over(&mut transaction, &passed_over).await?;
    transaction.commit().await?;
    // Logged once: they have just been marked so that they are not tried again.
    for (body, error) in unreadable {
        tracing::warn!(body, %error, "a message cannot be read: its summary stays as it is");
    }
    progress.add(renewed.len() as u64, unreadable.len() as u64);
    Ok(())
}

/// The summary of a body, and the octets of text that were read for it.
async fn scan(pool: &PgPool, id: i64) -> Result<(Summary, u64)> {
    let stored = volume::header(pool, id).await?;
    let header_size = stored.header.len() as u64;
    let text_size = stored.size.saturating_sub(header_size);
    let mut scanner = Scanner::new();
    scanner.push(&stored.header).map_err(unscannable)?;
    let mut read = 0;
    match Summary::decode(stored.summary) {
        // The counting of lines has not changed since the first version.
        Ok(old) if text_size == 0 || !scanner.needs_text() => {
            scanner.skip_text(text_size, old.lines);
        }
        _ => {
            let text = volume::read(pool.clone(), id, header_size..stored.size);
            let mut pieces = std::pin::pin!(text);
            while let Some(piece) = pieces.try_next().await? {
                scanner.push(&piece).map_err(unscannable)?;
                read += piece.len() as u64;
            }
        }
    }
    let scanned = scanner.finish().map_err(unscannable)?;
    if scanned.header != stored.header {
        let reason = "its header section differs from what the current scanner finds";
        return Err(Error::Internal(reason.to_owned()));
    }
    Ok((intake::summary(scanned.summary), read))
}

fn unscannable(error: message::ScanError) -> Error {
    Error::Internal(error.to_string())
}
