//! From a text to a policy, or to everything that is wrong with it.

use crate::document::compile::compile;
use crate::document::defaults::document;
use crate::document::read::Reader;
use crate::document::sections::Document;
use crate::values::error::{PolicyError, PolicyErrors};
use crate::values::policy::Policy;
use crate::values::size::format_size;

impl Policy {
    /// Octets of the longest document: room for many thousand domains, and each process holds it.
    pub const LONGEST_DOCUMENT: usize = 8 << 20;

    /// Reads, validates and compiles a document.
    pub fn parse(toml: &str) -> Result<Self, PolicyErrors> {
        if toml.len() > Self::LONGEST_DOCUMENT {
            return Err(PolicyErrors(vec![PolicyError {
                line: 1,
                reason: format!(
                    "the document has {} octets, a policy can have {} ({})",
                    toml.len(),
                    Self::LONGEST_DOCUMENT,
                    format_size(Self::LONGEST_DOCUMENT as u64)
                ),
            }]));
        }
        let reader = Reader::new(toml);
        let policy = Document::read(&reader).map(|document| compile(document, &reader));
        reader.finish()?;
        // Without a document there was an error, and `finish` has returned it.
        policy.ok_or(PolicyErrors(Vec::new()))
    }

    /// The document of a new system: no domains, everything commented.
    pub fn default_document() -> &'static str {
        document()
    }
}
