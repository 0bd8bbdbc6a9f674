//! RFC 5322 / MIME messages as bytes: facts computed while a message passes (IMAP ENVELOPE, BODYSTRUCTURE,
//! the part table), trace headers, delivery status notifications, and decoding for search.
//!
//! Pure: bytes and values in, bytes and values out. No I/O, no clock, no randomness; the caller supplies
//! the date and the Message-ID. A broken message is no error: it is parsed as far as possible.
//!
//! - [`Scanner`] reads a message in pieces and returns a [`Summary`]; [`HeaderLines`] finds the end of its
//!   header section.
//! - [`sort`] computes the keys of SORT and THREAD (RFC 5256).
//! - [`LineEnds`] completes line ends while a message passes.
//! - [`attachments`] finds unwanted attachments, and removes them.
//! - [`binary`] converts BINARYMIME to ordinary mail.
//! - [`trace`] writes Received, Return-Path and Delivered-To, and counts hops.
//! - [`dsn`] writes delivery status notifications (RFC 3464).
//! - [`decode`] decodes header values and part bodies into UTF-8 for search and display.
//! - [`shown`] makes text from outside safe to display.
//! - [`header`] parses header fields, addresses and content types.

pub mod attachments;
pub mod binary;
pub mod decode;
pub mod dsn;
pub mod header;
mod line_ends;
mod mime;
mod scanner;
pub mod shown;
pub mod sort;
mod summary;
pub mod trace;
mod wire;

pub use line_ends::LineEnds;
pub use scanner::{
    End, HeaderLines, MAX_DEPTH, MAX_HEADER, MAX_PARTS, MAX_SUMMARY, SCANNER_VERSION, ScanError,
    Scanned, Scanner,
};
pub use summary::{Part, Summary};
