//! RFC 5322 / MIME messages as bytes: what is computed while a message passes (IMAP ENVELOPE,
//! BODYSTRUCTURE, the part table), trace headers, delivery status notifications and decoding for
//! search.
//!
//! Pure: bytes and values in, bytes and values out. No I/O, no clock, no randomness; whoever calls
//! brings the date and the Message-ID. Nothing here fails on a broken message: mail is read as far
//! as it can be read.
//!
//! - [`Scanner`] reads a message in pieces and ends in a [`Summary`]; [`HeaderLines`] finds where
//!   its header section ends.
//! - [`sort`] says what SORT and THREAD compare (RFC 5256).
//! - [`LineEnds`] completes line ends while a message passes.
//! - [`attachments`] looks through a message for attachments that are not wanted, and takes them
//!   out.
//! - [`binary`] makes ordinary mail of what was sent as BINARYMIME.
//! - [`trace`] writes Received, Return-Path and Delivered-To, and counts hops.
//! - [`dsn`] writes delivery status notifications (RFC 3464).
//! - [`decode`] turns header values and part bodies into UTF-8 for search and for people.
//! - [`shown`] makes text from outside harmless where people read it.
//! - [`header`] reads header fields, addresses and content types as they stand on the wire.

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
