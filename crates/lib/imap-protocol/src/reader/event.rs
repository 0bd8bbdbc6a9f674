//! Events of the reader.

use bytes::Bytes;

use crate::command::AppendHead;
use crate::error::CommandError;
use crate::{Phase, Tag};

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Incomplete: more input is needed.
    NeedInput,
    /// The client waits to send a literal: send a continuation, then continue.
    Continue,
    /// A complete command.
    Command(Tag, Phase, Box<crate::Command>),
    /// An APPEND up to its message. Answer with [`Reader::accept`](crate::Reader::accept) or [`Reader::refuse`](crate::Reader::refuse).
    Append(Box<AppendHead>),
    /// Octets of the message being appended.
    Data(Bytes),
    /// The APPEND is complete.
    AppendEnd,
    /// Not a command. Answer BAD (NO `[BADCHARSET]` for a charset), tagged if there is a tag.
    Invalid(Option<Tag>, CommandError),
    /// The following input cannot be interpreted. Send BYE and close.
    Fatal(CommandError),
}

/// A line that is not a command: part of a SASL exchange, or DONE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineEvent {
    /// More input is needed.
    NeedInput,
    /// The line, without its break.
    Line(Bytes),
    /// It is longer than the limit. Send BYE and close.
    TooLong,
}
