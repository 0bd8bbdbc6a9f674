//! The mail volume: message bodies in Postgres, schema `volume`, each stored once (I12).
//!
//! A body is header bytes, text bytes and the summary computed of them. Text of up to
//! [`INLINE_LIMIT`] octets lies in the body's row, larger text in pieces of [`CHUNK_SIZE`].
//! Header and text never change; a summary does, when an older scanner made it ([`summaries`]).
//! `queue` and `mailbox-store` refer to bodies; nobody counts references: [`garbage`] tries to remove
//! candidates, and those who need them say no (mailbox-store by a foreign key, the queue by a
//! trigger, since most of its messages come together with their body).
//!
//! This crate knows neither who refers to a body nor what is in it.

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

/// Largest text that lies in the body's own row and travels inline.
pub const INLINE_LIMIT: usize = 256 * 1024;

/// Size of a piece of a larger text.
pub const CHUNK_SIZE: usize = 256 * 1024;

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The crate's migrations.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Why the volume refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Postgres failed.
    #[error("the mail volume's database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// There is no body, or no upload, of that id (any more).
    #[error("the mail volume has no body {0}")]
    Missing(i64),
    /// The text is larger than the caller allows.
    #[error("the text is larger than {0} octets")]
    TooLarge(u64),
    /// What was uploaded and what was declared differ in size.
    #[error("text {id} has {stored} octets, but {declared} were declared")]
    SizeMismatch {
        /// The upload.
        id: i64,
        /// Octets that were uploaded.
        stored: u64,
        /// Octets that were declared.
        declared: u64,
    },
    /// The stream that brought the text broke off.
    #[error("the upload broke off: {0}")]
    BrokenOff(String),
}

/// Creates the schema `volume`, or brings it up to date.
pub async fn migrate(pool: &PgPool) -> Result<(), database::Error> {
    database::migrate(pool, "volume", &MIGRATIONS).await
}
