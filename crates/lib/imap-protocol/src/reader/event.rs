//! What comes of the input.

use bytes::Bytes;

use crate::command::AppendHead;
use crate::error::CommandError;
use crate::{Phase, Tag};

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Nothing yet: more input is needed.
    NeedInput,
    /// The client waits to send a literal: send a continuation, then go on.
    Continue,
    /// A complete command.
    Command(Tag, Phase, Box<crate::Command>),
    /// An APPEND up to its message. Answer with [`Reader::accept`](crate::Reader::accept) or [`Reader::refuse`](crate::Reader::refuse).
    Append(Box<AppendHead>),
    /// Octets of the message being appended.
    Data(Bytes),
    /// The APPEND is complete.
    AppendEnd,
    /// Not a command. Answer BAD (NO `[BADCHARSET]` to a charset), tagged where there is a tag.
    Invalid(Option<Tag>, CommandError),
    /// No telling what would follow. Say BYE and close.
    Fatal(CommandError),
}

/// A line that is not a command: of a SASL exchange, or DONE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineEvent {
    /// More input is needed.
    NeedInput,
    /// The line, without its break.
    Line(Bytes),
    /// It is longer than the limit. Say BYE and close.
    TooLong,
}
