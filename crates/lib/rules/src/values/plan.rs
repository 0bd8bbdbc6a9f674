//! The plan for one recipient: its outcome, and the messages derived from its message.

use crate::values::address::EmailAddress;
use crate::values::route::Route;

/// The outcome of a recipient, and the derived messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The route.
    pub end: Route,
    /// Messages to derive, recorded together with the outcome.
    pub also: Vec<Derivation>,
}

/// A message derived from another at a recipient's outcome.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Derivation {
    /// The same message from the same sender to this address instead.
    Forward(EmailAddress),
}
