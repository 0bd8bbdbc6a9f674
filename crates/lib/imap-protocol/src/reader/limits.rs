//! Bounds of what a client may send.

/// Bounds of one command, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLimits {
    /// Its lines together, line breaks included.
    pub line: usize,
    /// Its literals together.
    pub literal: usize,
}

/// Bounds of what a client may send (invariant I7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Before the login.
    pub unauthenticated: CommandLimits,
    /// After it.
    pub authenticated: CommandLimits,
    /// A literal that was not waited for and is refused is read and dropped up to this size; the
    /// connection ends at a larger one.
    pub discard: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unauthenticated: CommandLimits {
                // AUTHENTICATE with an initial response, which may be a token.
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
