//! The policy used for a query.

use rules::Policy;

use super::{Document, revision};
use crate::{Administration, Error};

/// The policy used for a query.
#[derive(Debug)]
pub struct QueriedPolicy {
    /// Its name.
    pub name: String,
    /// The compiled policy.
    pub policy: Policy,
    /// A document outside the running system: the system's users do not count.
    pub is_document: bool,
}

impl QueriedPolicy {
    /// A document that need not be in force.
    ///
    /// # Errors
    /// If the document is invalid.
    pub fn of_document(document: &Document) -> Result<Self, Error> {
        Ok(Self {
            name: document.name.clone(),
            policy: document.parse()?,
            is_document: true,
        })
    }

    /// A revision of the running system's policy; 0 is the newest.
    ///
    /// # Errors
    /// If the revision does not exist or cannot be read.
    pub async fn of_revision(
        administration: &Administration,
        revision: u64,
    ) -> Result<Self, Error> {
        let found = revision::get(administration.system(), revision).await?;
        Ok(Self {
            policy: revision::compile(&found.document)?,
            name: format!("revision {}", found.revision),
            is_document: false,
        })
    }
}
