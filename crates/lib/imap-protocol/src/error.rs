//! Why a command was not understood. The texts are for the peer: they name grammar, nothing else.

/// Why a command was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The line does not begin with a tag.
    #[error("Expected a tag")]
    NoTag,
    /// A verb that this server does not know.
    #[error("Unknown command")]
    Unknown,
    /// The grammar asks for something else here.
    #[error("Expected {0}")]
    Expected(&'static str),
    /// SEARCH keys within SEARCH keys beyond what is sane.
    #[error("Too deeply nested")]
    TooDeep,
    /// SEARCH in a charset that this server does not know. Answered NO `[BADCHARSET]`.
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
