//! Reads bodies.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use futures::Stream;
use futures::stream;
use sqlx::PgPool;

use crate::{CHUNK_SIZE, Error};

/// The header section and summary of a message, without its text (I13).
#[derive(Debug, Clone)]
pub struct Header {
    /// The body.
    pub id: i64,
    /// Octets of header and text.
    pub size: u64,
    /// The header section with the empty line that ends it.
    pub header: Bytes,
    /// An encoded `postern.message.v1.Summary`.
    pub summary: Bytes,
}

/// A body's header section and summary.
pub async fn header(pool: &PgPool, id: i64) -> Result<Header, Error> {
    headers(pool, &[id]).await?.pop().ok_or(Error::Missing(id))
}

/// Header sections and summaries of the existing bodies, by ascending id.
pub async fn headers(pool: &PgPool, ids: &[i64]) -> Result<Vec<Header>, Error> {
    let rows = sqlx::query!(
        "SELECT id, size, header, summary FROM volume.body WHERE id = ANY($1) ORDER BY id",
        ids
    )
    .fetch_all(pool)
    .await?;
    let headers = rows.into_iter().map(|row| Header {
        id: row.id,
        size: u64::try_from(row.size).unwrap_or(0),
        header: row.header.into(),
        summary: row.summary.into(),
    });
    Ok(headers.collect())
}

/// Octets `range` of header + text, in pieces of at most [`CHUNK_SIZE`]. Octets beyond the end are omitted.
///
/// Each piece is a separate query: nothing is held while the reader is slow (I7).
pub fn read(
    pool: PgPool,
    id: i64,
    range: Range<u64>,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
    let state = Reading {
        pool,
        id,
        range,
        plan: None,
    };
    stream::try_unfold(state, |mut state| async move {
        let piece = state.next_piece().await?;
        Ok(piece.map(|piece| (piece, state)))
    })
}

struct Reading {
    pool: PgPool,
    id: i64,
    range: Range<u64>,
    plan: Option<Plan>,
}

/// The octets still to return.
struct Plan {
    ready: VecDeque<Bytes>,
    /// The range of the chunked text still to read.
    chunked: Range<u64>,
}

impl Reading {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
        let plan = match &mut self.plan {
            Some(plan) => plan,
            none => none.insert(begin(&self.pool, self.id, &self.range).await?),
        };
        if let Some(piece) = plan.ready.pop_front() {
            return Ok(Some(piece));
        }
        if plan.chunked.is_empty() {
            return Ok(None);
        }
        let chunk_size = CHUNK_SIZE as u64;
        let n = plan.chunked.start / chunk_size;
        let chunk = read_chunk(&self.pool, self.id, n).await?;
        let first = n * chunk_size;
        let piece = part(&chunk, first, &plan.chunked);
        if piece.is_empty() {
            return Err(Error::Missing(self.id));
        }
        plan.chunked.start += piece.len() as u64;
        Ok(Some(piece))
    }
}

async fn begin(pool: &PgPool, id: i64, range: &Range<u64>) -> Result<Plan, Error> {
    let row = sqlx::query!(
        r#"SELECT size, length(header)::bigint AS "header_size!",
                  CASE WHEN $2::bigint < length(header) THEN header END AS header,
                  CASE WHEN $3::bigint > length(header) THEN text END AS text,
                  text IS NULL AS "chunked!"
           FROM volume.body WHERE id = $1"#,
        id,
        clamp(range.start),
        clamp(range.end),
    )
    .fetch_optional(pool)
    .await?
    .ok_or(Error::Missing(id))?;
    let size = u64::try_from(row.size).unwrap_or(0);
    let header_size = u64::try_from(row.header_size).unwrap_or(0);
    let range = range.start.min(size)..range.end.min(size);
    let mut ready = VecDeque::new();
    for (bytes, first) in [(row.header, 0), (row.text, header_size)] {
        let piece = bytes.map(|bytes| part(&bytes.into(), first, &range));
        ready.extend(piece.filter(|piece| !piece.is_empty()));
    }
    let chunked = if row.chunked {
        range.start.saturating_sub(header_size)..range.end.saturating_sub(header_size)
    } else {
        0..0
    };
    Ok(Plan { ready, chunked })
}

async fn read_chunk(pool: &PgPool, id: i64, n: u64) -> Result<Bytes, Error> {
    let n = i32::try_from(n).map_err(|_| Error::Missing(id))?;
    let data = sqlx::query_scalar!(
        "SELECT data FROM volume.chunk WHERE body_id = $1 AND n = $2",
        id,
        n
    )
    .fetch_optional(pool)
    .await?
    .ok_or(Error::Missing(id))?;
    Ok(data.into())
}

/// The part of `bytes` (beginning at offset `first`) within `range`.
fn part(bytes: &Bytes, first: u64, range: &Range<u64>) -> Bytes {
    let offset = |at: u64| usize::try_from(at.saturating_sub(first)).unwrap_or(usize::MAX);
    let start = offset(range.start).min(bytes.len());
    let end = offset(range.end).clamp(start, bytes.len());
    bytes.slice(start..end)
}

fn clamp(octets: u64) -> i64 {
    i64::try_from(octets).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_lies_in_the_range() {
        let bytes = Bytes::from_static(b"0123456789");
        let rows: [(u64, Range<u64>, &[u8]); 5] = [
            (0, 0..10, b"0123456789"),
            (0, 3..5, b"34"),
            (100, 0..105, b"01234"),
            (100, 108..200, b"89"),
            (100, 0..100, b""),
        ];
        for (first, range, expected) in rows {
            assert_eq!(part(&bytes, first, &range), expected, "{first} {range:?}");
        }
    }
}
