//! Limits of a client's input.

/// Limits of one command, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLimits {
    /// All its lines, with line breaks.
    pub line: usize,
    /// All its literals.
    pub literal: usize,
}

/// Limits of a client's input (invariant I7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Before login.
    pub unauthenticated: CommandLimits,
    /// After login.
    pub authenticated: CommandLimits,
    /// A refused non-synchronizing literal is read and dropped up to this size; a larger one ends the
    /// connection.
    pub discard: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unauthenticated: CommandLimits {
                // AUTHENTICATE with an initial response, possibly a token.
                line: sasl::LINE_LIMIT + 256,
                literal: 4 * 1024,
            },
            authenticated: CommandLimits {
                line: 64 * 1024,
                literal: 64 * 1024,
            },
            discard: 1 << 30,
        }
    }
}
