//! The mail volume: message bodies in Postgres, schema `volume`, each stored once (I12).
//!
//! A body consists of header bytes, text bytes and the summary computed from them. Text of up to
//! [`INLINE_LIMIT`] octets is in the body's row, larger text in pieces of [`CHUNK_SIZE`]. Header and text
//! never change; a summary of an older scanner is renewed ([`summaries`]). `queue` and `mailbox-store`
//! refer to bodies without reference counts: [`garbage`] tries to remove candidates, and existing
//! references prevent it (a foreign key in mailbox-store; a trigger in the queue, since most of its
//! messages are inserted together with their body, and most leave it to a mailbox).
//!
//! This crate knows neither the referring tables nor the content of a body.

mod body;
mod chunks;
pub mod garbage;
mod ids;
mod read;
pub mod summaries;
mod upload;

pub use body::{NewBody, Text, insert, refer_to};
pub use ids::Ids;
pub use read::{Header, header, headers, read};
pub use upload::{StoredText, claim, store_text};

use sqlx::PgPool;

/// Maximum size of a text in the body's own row, which travels inline.
pub const INLINE_LIMIT: usize = 256 * 1024;

/// Size of a piece of a larger text.
pub const CHUNK_SIZE: usize = 256 * 1024;

/// Milliseconds in a day.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The crate's migrations.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Errors of the volume.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Postgres failed.
    #[error("the mail volume's database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The body with this id does not exist (any more).
    #[error("the mail volume has no body {0}")]
    Missing(i64),
    /// No upload has this name (any more).
    #[error(
        "the mail volume has no uploaded text of this name; a text waits ten minutes for its message"
    )]
    NoUpload,
    /// The text is larger than the caller allows.
    #[error("the text is larger than {0} octets")]
    TooLarge(u64),
    /// The uploaded size differs from the declared one.
    #[error("text {id} has {stored} octets, but {declared} were declared")]
    SizeMismatch {
        /// The upload.
        id: i64,
        /// Uploaded octets.
        stored: u64,
        /// Declared octets.
        declared: u64,
    },
    /// The stream with the text was aborted.
    #[error("the upload was aborted: {0}")]
    BrokenOff(String),
}

/// Creates or migrates the schema `volume`.
pub async fn migrate(pool: &PgPool) -> Result<(), database::Error> {
    database::migrate(pool, "volume", &MIGRATIONS).await
}
