//! Searches for strings in the text of a message. Each text part is decoded as it is read.

use std::collections::HashSet;

use api::message::v1::{Part, Summary};
use futures::TryStreamExt;
use message::decode::TextDecoder;
use message::header::fields;
use prost::Message as _;
use sqlx::PgPool;

use super::candidates::Candidate;
use super::evaluate::field_contains;
use super::fold::fold_into;
use crate::{Error, Result};

/// Octets searched of the header section of an attached message.
const NESTED_HEADER: u64 = 128 * 1024;

/// Which of the needles occur in the text.
pub(super) async fn find(
    pool: &PgPool,
    candidate: &Candidate,
    needles: &[&str],
) -> Result<Vec<bool>> {
    let stored = volume::header(pool, candidate.body_id).await?;
    let summary = Summary::decode(stored.summary)
        .map_err(|error| Error::Internal(format!("a stored summary cannot be read: {error}")))?;
    let mut found: Vec<bool> = needles.iter().map(|needle| needle.is_empty()).collect();
    let mut seen = HashSet::new();
    for part in &summary.parts {
        if found.iter().all(|found| *found) {
            break;
        }
        if let Some(text_start) = part.nested_text_start {
            let end = text_start.min(part.body_start.saturating_add(NESTED_HEADER));
            find_in_header(
                pool,
                candidate.body_id,
                part.body_start..end,
                needles,
                &mut found,
            )
            .await?;
        // A message of one part may be listed twice: as the message and as its part 1.
        } else if is_text(part) && seen.insert((part.body_start, part.end)) {
            find_in_part(pool, candidate.body_id, part, needles, &mut found).await?;
        }
    }
    Ok(found)
}

fn is_text(part: &Part) -> bool {
    part.media_type.is_empty() || part.media_type.starts_with("text/")
}

async fn find_in_header(
    pool: &PgPool,
    body_id: i64,
    range: std::ops::Range<u64>,
    needles: &[&str],
    found: &mut [bool],
) -> Result<()> {
    let pieces: Vec<_> = volume::read(pool.clone(), body_id, range)
        .try_collect()
        .await?;
    let section = pieces.concat();
    for field in fields(&section) {
        for (needle, found) in needles.iter().zip(found.iter_mut()) {
            *found = *found || field_contains(&field, needle);
        }
    }
    Ok(())
}

async fn find_in_part(
    pool: &PgPool,
    body_id: i64,
    part: &Part,
    needles: &[&str],
    found: &mut [bool],
) -> Result<()> {
    let mut window = Window::new(needles);
    let mut decoder = TextDecoder::new(&part.encoding, &part.charset);
    let mut decoded = String::new();
    let mut pieces = std::pin::pin!(volume::read(
        pool.clone(),
        body_id,
        part.body_start..part.end
    ));
    while let Some(piece) = pieces.try_next().await? {
        decoder.push(&piece, &mut decoded);
        window.push(&decoded, needles, found);
        decoded.clear();
    }
    decoder.finish(&mut decoded);
    window.push(&decoded, needles, found);
    Ok(())
}

/// The folded text of one piece, with as much of the preceding text as a needle may begin in.
struct Window {
    text: String,
    /// Octets to keep: one fewer than the length of the longest needle.
    overlap: usize,
}

impl Window {
    fn new(needles: &[&str]) -> Self {
        let longest = needles.iter().map(|needle| needle.len()).max().unwrap_or(0);
        Self {
            text: String::new(),
            overlap: longest.saturating_sub(1),
        }
    }

    fn push(&mut self, piece: &str, needles: &[&str], found: &mut [bool]) {
        fold_into(piece, &mut self.text);
        for (needle, found) in needles.iter().zip(found.iter_mut()) {
            *found =
                *found || memchr::memmem::find(self.text.as_bytes(), needle.as_bytes()).is_some();
        }
        let mut cut = self.text.len().saturating_sub(self.overlap);
        while !self.text.is_char_boundary(cut) {
            cut -= 1;
        }
        self.text.drain(..cut);
    }
}
