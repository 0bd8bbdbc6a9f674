//! Inserts bodies.

use bytes::Bytes;
use sqlx::PgConnection;

use crate::Error;
use crate::summaries::Summary;

/// A body to store.
#[derive(Debug, Clone)]
pub struct NewBody {
    /// From [`crate::Ids`]; for an uploaded text the upload's id.
    pub id: i64,
    /// The header section with the empty line that ends it.
    pub header: Bytes,
    /// The text.
    pub text: Text,
    /// The computed summary.
    pub summary: Summary,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// The location of a new body's text.
#[derive(Debug, Clone)]
pub enum Text {
    /// Included; at most [`crate::INLINE_LIMIT`] octets.
    Inline(Bytes),
    /// Uploaded before; its size in octets, as returned by [`crate::claim`].
    Uploaded(u64),
}

impl NewBody {
    /// Octets of header and text.
    pub fn size(&self) -> i64 {
        let text = match &self.text {
            Text::Inline(text) => text.len() as i64,
            Text::Uploaded(size) => i64::try_from(*size).unwrap_or(i64::MAX),
        };
        (self.header.len() as i64).saturating_add(text)
    }

    /// The text for the body's row; none if it is stored in chunks.
    pub fn inline_text(&self) -> Option<&[u8]> {
        match &self.text {
            Text::Inline(text) => Some(text),
            Text::Uploaded(_) => None,
        }
    }
}

/// Inserts bodies with one statement, within the caller's transaction.
///
/// An uploaded text must have been claimed ([`crate::claim`]) in the same transaction.
pub async fn insert(connection: &mut PgConnection, bodies: &[NewBody]) -> Result<(), sqlx::Error> {
    let ids: Vec<i64> = bodies.iter().map(|body| body.id).collect();
    let sizes: Vec<i64> = bodies.iter().map(NewBody::size).collect();
    let headers: Vec<&[u8]> = bodies.iter().map(|body| &*body.header).collect();
    let summaries: Vec<&[u8]> = bodies.iter().map(|body| &*body.summary.encoded).collect();
    let versions: Vec<i32> = bodies
        .iter()
        .map(|body| body.summary.scanner_version)
        .collect();
    let texts: Vec<Option<&[u8]>> = bodies.iter().map(NewBody::inline_text).collect();
    let times: Vec<i64> = bodies.iter().map(|body| body.created_at).collect();
    sqlx::query!(
        "INSERT INTO volume.body (id, size, header, summary, text, created_at, scanner_version)
         SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[],
                              $6::bigint[], $7::integer[])",
        &ids,
        &sizes,
        &headers as &[&[u8]],
        &summaries as &[&[u8]],
        &texts as &[Option<&[u8]>],
        &times,
        &versions,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Locks a body for a new reference of the caller's transaction; returns its size.
///
/// The lock decides between this and a sweep ([`crate::garbage`]): an existing body stays.
pub async fn refer_to(connection: &mut PgConnection, id: i64) -> Result<i64, Error> {
    sqlx::query_scalar!(
        "SELECT size FROM volume.body WHERE id = $1 FOR KEY SHARE",
        id
    )
    .fetch_optional(connection)
    .await?
    .ok_or(Error::Missing(id))
}
