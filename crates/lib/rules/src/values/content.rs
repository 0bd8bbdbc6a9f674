//! What becomes of a message.

use crate::values::verdict::Verdict;

/// What becomes of a message that is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// What is marked in its header, by the names that verdicts have.
    pub marks: Vec<&'static str>,
    /// Whether it is to go to Junk mailboxes.
    pub junk: bool,
    /// For what it is kept in quarantine; empty when it is not.
    pub quarantine: Vec<Verdict>,
}
