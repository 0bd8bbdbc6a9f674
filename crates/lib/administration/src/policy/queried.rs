//! Which policy a question is put to.

use rules::Policy;

use super::{Document, revision};
use crate::{Administration, Error};

/// A policy that a question is put to.
#[derive(Debug)]
pub struct QueriedPolicy {
    /// How it is called.
    pub name: String,
    /// What it says.
    pub policy: Policy,
    /// It is none of the running system's: nobody has a mailbox by it.
    pub is_document: bool,
}

impl QueriedPolicy {
    /// A document that need not be in force.
    ///
    /// # Errors
    /// The document is not valid.
    pub fn of_document(document: &Document) -> Result<Self, Error> {
        Ok(Self {
            name: document.name.clone(),
            policy: document.parse()?,
            is_document: true,
        })
    }

    /// A revision of the running system's policy; the newest when 0.
    ///
    /// # Errors
    /// There is no such revision, or it cannot be asked for.
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
