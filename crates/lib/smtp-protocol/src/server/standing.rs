//! What of a session a command is held to.

use super::phase::Phase;
use super::terms::Terms;

/// A session as it stands when a command comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'s> {
    pub(super) terms: &'s Terms,
    pub(super) phase: Phase,
    /// A login has succeeded.
    pub(super) authenticated: bool,
    /// Addresses of the transaction may hold UTF-8.
    pub(super) smtputf8: bool,
    /// The message of the transaction was declared to be binary.
    pub(super) binary: bool,
}
