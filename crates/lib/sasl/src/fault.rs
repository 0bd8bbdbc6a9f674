//! Errors in a response itself.

/// The reason why an exchange fails before any question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A response violates the mechanism's grammar.
    Malformed,
    /// A well-formed response does not belong to this exchange or this TLS session.
    Mismatch,
}
