//! The part of a session's state that commands are checked against.

use super::phase::Phase;
use super::terms::Terms;

/// The state of a session when a command arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'s> {
    pub(super) terms: &'s Terms,
    pub(super) phase: Phase,
    /// A login has succeeded.
    pub(super) authenticated: bool,
    /// Addresses of the transaction may contain UTF-8.
    pub(super) smtputf8: bool,
    /// The message was declared as binary.
    pub(super) binary: bool,
}
