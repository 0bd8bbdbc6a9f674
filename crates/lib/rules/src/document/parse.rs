//! From a text to a policy, or to the list of its errors.

use crate::document::compile::compile;
use crate::document::defaults::document;
use crate::document::read::Reader;
use crate::document::sections::Document;
use crate::values::error::{PolicyError, PolicyErrors};
use crate::values::policy::Policy;
use crate::values::size::format_size;

impl Policy {
    /// Maximum length of a document in octets: many thousand domains. Each process holds it in memory.
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
        // Without a document there was an error, which `finish` has returned.
        policy.ok_or(PolicyErrors(Vec::new()))
    }

    /// The document of a new system: no domains, every setting explained.
    pub fn default_document() -> &'static str {
        document()
    }
}
