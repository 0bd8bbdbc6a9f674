//! What is wrong with a response by itself.

/// Why an exchange fails before anybody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A response does not follow the mechanism's grammar.
    Malformed,
    /// It follows it, and does not belong to this exchange or this TLS session.
    Mismatch,
}
