//! A removal, as it is put to whoever has to confirm it.

use std::fmt;

use serde::Serialize;

/// Something that is to be taken away. Displayed: what would be lost, and that it was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// What the operation does, such as `removes the secret isp`.
    pub what: String,
    /// What depends on it, each a line.
    pub dependents: Vec<String>,
    /// How it comes back, in a sentence.
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
