//! The grammar and the session states of IMAP (RFC 3501, RFC 9051 and extensions), without I/O.
//!
//! Bytes go in through [`Reader`], which returns events: a typed [`Command`], the pieces of an APPEND, or
//! the answer to invalid input. Responses are written with [`response`]. [`State`] defines the states that
//! allow a command.
//!
//! This crate knows no sockets, no clock and no store. It never buffers a message: the literal of an APPEND
//! is passed on as events.

pub mod command;
mod cursor;
mod date;
mod error;
mod flag;
mod list_pattern;
mod mailbox_name;
mod modified_utf7;
mod ranges;
mod reader;
pub mod response;
mod section;
mod sequence;
mod state;
mod tag;
pub mod wire;

pub use command::{Command, Parsed};
pub use date::{Day, InternalDate, put_internal_date};
pub use error::CommandError;
pub use flag::{Flags, Keyword, SystemFlags};
pub use list_pattern::ListPattern;
pub use mailbox_name::MailboxName;
pub use ranges::RangeSet;
pub use reader::{CommandLimits, Event, Limits, LineEvent, Reader};
pub use section::{Partial, Section, SectionText};
pub use sequence::{MessageSet, SequenceNumber, SequenceRange, SequenceSet};
pub use state::{Phase, State};
pub use tag::Tag;
