//! The result for an accepted message.

use crate::values::verdict::Verdict;

/// The result for an accepted message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The marks in its header, by verdict name.
    pub marks: Vec<&'static str>,
    /// Whether it is delivered to Junk mailboxes.
    pub junk: bool,
    /// The reasons for quarantine; empty if it is not quarantined.
    pub quarantine: Vec<Verdict>,
}
