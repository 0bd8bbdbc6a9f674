//! A removal that must be confirmed.

use std::fmt;

use serde::Serialize;

/// An unconfirmed removal. Displayed: what would be lost, and that nothing was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// The operation, such as `removes the secret isp`.
    pub what: String,
    /// The dependents, one a line.
    pub dependents: Vec<String>,
    /// The way to restore it, in a sentence.
    pub way_back: String,
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this {}", self.what)?;
        if self.dependents.is_empty() {
            f.write_str(". ")?;
        } else {
            f.write_str(", and something depends on that:")?;
            for dependent in &self.dependents {
                write!(f, "\n  - {dependent}")?;
            }
            f.write_str("\n")?;
        }
        write!(f, "{} Nothing was changed", self.way_back)
    }
}
