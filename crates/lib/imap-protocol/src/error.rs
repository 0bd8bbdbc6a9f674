//! Errors of commands. The texts are for the peer: they mention only the grammar.

/// The reason why a command was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The line does not begin with a tag.
    #[error("Expected a tag")]
    NoTag,
    /// An unknown verb.
    #[error("Unknown command")]
    Unknown,
    /// The grammar requires something else here.
    #[error("Expected {0}")]
    Expected(&'static str),
    /// The initial response of AUTHENTICATE is not base64.
    #[error("Expected base64")]
    NotBase64,
    /// Too many nested SEARCH keys.
    #[error("Too deeply nested")]
    TooDeep,
    /// SEARCH in an unknown charset. Answered NO `[BADCHARSET]`.
    #[error("Charset not supported")]
    Charset,
    /// The line is longer than the limit.
    #[error("Line too long")]
    LineTooLong,
    /// A literal is larger than the limit.
    #[error("Literal too large")]
    LiteralTooLarge,
}

pub(crate) type Result<T> = std::result::Result<T, CommandError>;
