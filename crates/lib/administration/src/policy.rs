//! The policy: its revisions, and candidate documents.

pub(crate) mod advice;
pub(crate) mod document;
mod queried;
pub(crate) mod revision;
mod scripts;
mod unified_diff;

use api::grpc::Code;
use api::policy::v1::ListRevisionsRequest;
use jiff::Timestamp;
use rules::{Policy, PolicyError};
use serde::{Deserialize, Serialize};

use crate::consequences::Accounts;
use crate::{Administration, Deadline, Error, time};
pub use queried::QueriedPolicy;
pub use scripts::{Played, Scripts, Tested, test};
use unified_diff::unified_diff;

/// A text that may be a policy or a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its name in errors: the path of the file.
    pub name: String,
    /// The content.
    pub text: String,
}

impl Document {
    /// Compiles it.
    pub(crate) fn parse(&self) -> Result<Policy, Error> {
        Policy::parse(&self.text).map_err(|errors| Error::InvalidPolicy {
            document: self.name.clone(),
            errors,
        })
    }
}

/// A revision of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// Its number, from 1; 0 is the default document of a system without a policy.
    pub revision: u64,
    /// When it was made.
    pub made_at: Option<Timestamp>,
    /// The author's name.
    pub author: String,
    /// The author's comment.
    pub comment: String,
    /// The document, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

impl Revision {
    pub(crate) fn with_document(revision: api::policy::v1::Revision) -> Self {
        Self {
            document: Some(revision.document),
            revision: revision.revision,
            made_at: time(revision.made_at_ms),
            author: revision.author,
            comment: revision.comment,
        }
    }

    pub(crate) fn without_document(revision: api::policy::v1::Revision) -> Self {
        Self {
            document: None,
            ..Self::with_document(revision)
        }
    }
}

/// A revision with its document; 0 is the newest.
///
/// # Errors
/// If the revision does not exist, or the queue does not answer.
pub async fn show(administration: &Administration, revision: u64) -> Result<Revision, Error> {
    let found = revision::get(administration.system(), revision).await?;
    Ok(Revision::with_document(found))
}

/// The newest revisions, in descending order.
///
/// # Errors
/// If the queue does not answer.
pub async fn list(administration: &Administration, limit: u32) -> Result<Vec<Revision>, Error> {
    let mut client = administration.system().policy(Deadline::Question)?;
    let revisions = client.list_revisions(ListRevisionsRequest { limit }).await;
    let revisions = revisions.map_err(|status| revision::failed(&status))?;
    let revisions = revisions.into_inner().revisions.into_iter();
    Ok(revisions.map(Revision::without_document).collect())
}

/// The newest revision, compiled, and its number.
///
/// # Errors
/// If the queue does not answer, or this version cannot read the policy.
pub async fn newest(administration: &Administration) -> Result<(u64, Policy), Error> {
    revision::newest_policy(administration.system()).await
}

/// The errors of a document.
#[derive(Debug, Serialize)]
pub struct Validation {
    /// By line.
    pub errors: Vec<PolicyError>,
    /// There are no errors.
    pub valid: bool,
}

/// Validates a document without a system.
pub fn check(text: &str) -> Validation {
    let errors = match Policy::parse(text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().cloned().collect(),
    };
    Validation {
        valid: errors.is_empty(),
        errors,
    }
}

/// A document to become the next revision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Apply {
    /// The document.
    pub document: Document,
    /// The comment for the list of revisions.
    pub comment: String,
    /// Apply only if this is the newest revision, 0 if there is none yet; `None`: always.
    pub expected_revision: Option<u64>,
    /// Apply even if something is lost, or if the document is empty.
    pub confirmed: bool,
}

/// The result of applying a document.
#[derive(Debug, Serialize)]
pub struct Applied {
    /// The revision in force.
    pub revision: Revision,
    /// Further requirements of the policy, each a sentence.
    pub notes: Vec<String>,
}

/// Makes a document the next revision.
///
/// # Errors
/// If the document is invalid, a newer revision exists, or the change removes something in use; nothing is
/// changed then.
pub async fn apply(administration: &Administration, apply: Apply) -> Result<Applied, Error> {
    let system = administration.system();
    let Apply {
        document,
        comment,
        expected_revision: expected,
        confirmed,
    } = apply;
    if says_nothing(&document.text) && !confirmed {
        return Err(Error::EmptyPolicy {
            document: document.name,
        });
    }
    document.parse()?;
    let text = document.text;
    let mut attempt = 1;
    loop {
        let newest = revision::get(system, 0).await?;
        if let Some(expected) = expected.filter(|expected| *expected != newest.revision) {
            return Err(overtaken(expected));
        }
        let policy =
            revision::weigh(administration, &newest, &text, Accounts::All, confirmed).await?;
        // The losses were computed against this revision: no other may be replaced.
        let replaced = newest.revision;
        match revision::apply(administration, text.clone(), replaced, comment.clone()).await {
            Ok(made) => {
                return Ok(Applied {
                    revision: Revision::without_document(made),
                    notes: advice::notes(system, &newest, &policy).await,
                });
            }
            Err(status) if status.code() != Code::Aborted => return Err(revision::failed(&status)),
            Err(_) if expected.is_some() => return Err(overtaken(replaced)),
            Err(status) if attempt == revision::ATTEMPTS => return Err(revision::failed(&status)),
            Err(_) => attempt += 1,
        }
    }
}

fn overtaken(expected: u64) -> Error {
    Error::Overtaken(format!(
        "revision {expected} is no longer the newest; nothing was changed. \
         See what is new by: postern policy diff --revision {expected}"
    ))
}

/// Only comments: the typical output of a failed command in a file.
fn says_nothing(document: &str) -> bool {
    let lines = document.lines().map(str::trim);
    lines
        .filter(|line| !line.starts_with('#'))
        .all(str::is_empty)
}

/// Makes an old revision's document the next revision.
///
/// # Errors
/// If the revision does not exist, or the change removes something in use; nothing is changed then.
pub async fn rollback(
    administration: &Administration,
    revision: u64,
    confirmed: bool,
) -> Result<Revision, Error> {
    if revision == 0 {
        return Err(Error::Invalid(
            "there is no revision 0: they count from 1; postern policy list shows them".to_owned(),
        ));
    }
    let system = administration.system();
    let newest = revision::get(system, 0).await?;
    let old = revision::get(system, revision).await?;
    revision::weigh(
        administration,
        &newest,
        &old.document,
        Accounts::All,
        confirmed,
    )
    .await?;
    let comment = format!("rollback to revision {revision}");
    let made = revision::apply(administration, old.document, newest.revision, comment).await;
    let made = made.map_err(|status| revision::failed(&status))?;
    Ok(Revision::without_document(made))
}

/// The difference between two documents.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// As `diff -u` writes it; empty if they are equal.
    pub diff: String,
    /// The documents are equal.
    pub equal: bool,
    /// The name of the old document.
    pub from: String,
    /// The name of the new document.
    pub to: String,
}

/// The difference between a revision (0: the newest) and a document, or the change made by the newest
/// revision.
///
/// # Errors
/// If the revision does not exist, or the queue does not answer.
pub async fn diff(
    administration: &Administration,
    revision: u64,
    document: Option<&Document>,
) -> Result<Difference, Error> {
    let system = administration.system();
    let named = |found: api::policy::v1::Revision| Document {
        name: format!("revision {}", found.revision),
        text: found.document,
    };
    let old = named(revision::get(system, revision).await?);
    let new = match document {
        Some(document) => document.clone(),
        None => named(revision::get(system, 0).await?),
    };
    let diff = unified_diff(&old.name, &new.name, &old.text, &new.text);
    Ok(Difference {
        equal: diff.is_empty(),
        diff,
        from: old.name,
        to: new.name,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn a_document_of_comments_says_nothing() {
        for nothing in ["", "\n \n", "# all\n  # of it\n"] {
            assert!(says_nothing(nothing), "{nothing:?}");
        }
        assert!(!says_nothing("# a\n[delivery]\n"));
        assert!(!says_nothing(Policy::default_document()));
    }

    #[test]
    fn what_is_wrong_with_a_document_is_told_by_line() {
        let checked = check("[[domain]]\nname = \"a.test\"\ndeliver = \"nowhere\"\n");
        assert!(!checked.valid);
        assert_eq!(checked.errors[0].line, 3);
        assert!(check(Policy::default_document()).valid);
    }
}
