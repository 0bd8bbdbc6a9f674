//! Renews summaries made by an older scanner (I13): from the header section alone if the text makes no
//! difference, otherwise from the whole message.
//!
//! Batches are small, with pauses between them. Any number of replicas works at the same time: each takes
//! bodies that no other holds. Summaries are replaced in the transaction that holds their bodies, so a
//! process may end at any time. Mail that comes or goes meanwhile neither waits nor is missed.

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

/// Bodies in one transaction.
const BATCH: i64 = 50;
/// Octets of text read in one transaction; a larger body is read whole.
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

/// Renews outdated summaries for as long as it is polled.
pub(super) async fn keep(store: Store, progress: Progress) {
    let mut failed = false;
    loop {
        let result = pass(&store, &progress, REST).await;
        if let Err(error) = &result
            && !failed
        {
            tracing::warn!(%error, "summaries of messages are not made anew for now: trying again");
        }
        failed = result.is_err();
        let done = !failed && progress.outdated() == 0;
        tokio::time::sleep(if done { IDLE } else { AGAIN }).await;
    }
}

/// Goes through all outdated summaries once, except for locked ones.
pub(super) async fn pass(store: &Store, progress: &Progress, rest: u32) -> Result<()> {
    let mut counted = Instant::now();
    progress.counted(volume::summaries::count_outdated(store.pool()).await?);
    // Rows grow when they are rewritten.
    let may_write = || store.has_room().is_ok() && store.keeps().is_ok();
    if progress.outdated() == 0 || !may_write() {
        return Ok(());
    }
    tracing::info!(
        outdated = progress.outdated(),
        "summaries of messages that an older version made are made anew"
    );
    let mut after = -1;
    while may_write() {
        let began = Instant::now();
        let Some(last) = batch(store, progress, after).await? else {
            break;
        };
        after = last;
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

/// Renews the summaries of some bodies after `after`. Returns the last of them, if there were any.
async fn batch(store: &Store, progress: &Progress, after: i64) -> Result<Option<i64>> {
    let mut transaction = store.pool().begin().await?;
    let ids = volume::summaries::lock_outdated(&mut transaction, after, BATCH).await?;
    let mut renewed = Vec::new();
    let mut unreadable = Vec::new();
    let mut last = None;
    let mut text = 0;
    for id in ids {
        match scan(store.pool(), id).await {
            Ok((summary, read)) => {
                let encoded = summary.encode_to_vec();
                renewed.push((
                    id,
                    volume::summaries::Summary::new(SCANNER_VERSION, encoded),
                ));
                text += read;
            }
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => unreadable.push((id, error)),
        }
        last = Some(id);
        if text >= BATCH_TEXT {
            break;
        }
    }
    let passed_over: Vec<i64> = unreadable.iter().map(|(id, _)| *id).collect();
    volume::summaries::renew(&mut transaction, &renewed).await?;
    volume::summaries::pass_over(&mut transaction, &passed_over).await?;
    transaction.commit().await?;
    // Logged once: they have just been marked so that they are not tried again.
    for (body, error) in &unreadable {
        tracing::warn!(body, %error, "a message cannot be read: its summary stays as it is");
    }
    progress.add(renewed.len() as u64, unreadable.len() as u64);
    Ok(last)
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
        let reason = "its header section is not one as it is stored today";
        return Err(Error::Internal(reason.to_owned()));
    }
    Ok((intake::summary(scanned.summary), read))
}

fn unscannable(error: message::ScanError) -> Error {
    Error::Internal(error.to_string())
}
