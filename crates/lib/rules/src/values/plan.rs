//! What becomes of one recipient: where it ends, and the messages that are made of its message beside that.

use crate::values::address::EmailAddress;
use crate::values::route::Route;

/// The end of a recipient, and what is made beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Where it ends.
    pub end: Route,
    /// Messages that are made when it ends there, and recorded together with that.
    pub also: Vec<Derivation>,
}

/// A message that is made of another at a recipient's end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Derivation {
    /// The same message, from the same sender, to this address instead of the recipient's.
    Forward(EmailAddress),
}
