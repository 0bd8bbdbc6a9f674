//! Revisions of the policy: the newest one, and making the next.

use api::grpc::{Code, Status};
use api::policy::v1::{ApplyPolicyRequest, GetPolicyRequest, Revision};
use rules::Policy;

use super::consequences::{self, Accounts, Removal};
use crate::failure::Failure;
use crate::policy_document::EditError;
use crate::system::{Asked, System};

/// How often an edit is made anew when somebody else was faster.
const ATTEMPTS: usize = 5;

pub(crate) fn failed(status: &Status) -> Failure {
    Failure::call("the queue", status)
}

/// A revision; the newest when 0. A system without any has the default document as revision 0.
pub(crate) async fn get(system: &System, revision: u64) -> Result<Revision, Failure> {
    let request = GetPolicyRequest { revision };
    match system.policy(Asked::Question)?.get_policy(request).await {
        Ok(found) => Ok(found.into_inner()),
        Err(status) if status.code() == Code::NotFound && revision == 0 => Ok(Revision {
            document: Policy::default_document().to_owned(),
            ..Revision::default()
        }),
        Err(status) if status.code() == Code::NotFound => Err(Failure::refused(format!(
            "there is no revision {revision} of the policy; postern policy list shows those there are"
        ))),
        Err(status) => Err(failed(&status)),
    }
}

/// The newest revision, compiled.
pub(crate) async fn newest_policy(system: &System) -> Result<(u64, Policy), Failure> {
    let newest = get(system, 0).await?;
    let policy = compile(&newest.document)?;
    Ok((newest.revision, policy))
}

/// Compiles a document that the queue took.
pub(crate) fn compile(document: &str) -> Result<Policy, Failure> {
    Policy::parse(document).map_err(|errors| {
        Failure::System(format!(
            "the policy cannot be read by this version of postern:\n{errors}"
        ))
    })
}

/// Makes a document the next revision, if `expected` is still the newest (0: in any case).
pub(crate) async fn apply(
    system: &System,
    document: String,
    expected: u64,
    comment: String,
) -> Result<Revision, Status> {
    let request = ApplyPolicyRequest {
        document,
        expected_revision: expected,
        author: author(),
        comment,
    };
    let mut client = system
        .policy(Asked::Work)
        .map_err(|failure| Status::internal(failure.to_string()))?;
    client
        .apply_policy(request)
        .await
        .map(api::grpc::Response::into_inner)
}

/// Edits the newest document; again when somebody else made a revision meanwhile. What others would
/// lose by it is lost only if that is wanted (`yes`).
pub(crate) async fn edit(
    system: &System,
    comment: &str,
    yes: bool,
    change: impl Fn(&str) -> Result<String, EditError>,
) -> Result<Revision, Failure> {
    let mut attempt = 1;
    loop {
        let newest = get(system, 0).await?;
        let document = change(&newest.document).map_err(|e| Failure::refused(e.to_string()))?;
        weigh(system, &newest, &document, Accounts::ThatHadOne, yes).await?;
        match apply(system, document, newest.revision, comment.to_owned()).await {
            Ok(revision) => return Ok(revision),
            Err(status) if status.code() == Code::Aborted && attempt < ATTEMPTS => attempt += 1,
            Err(status) => return Err(failed(&status)),
        }
    }
}

/// An error where a document would take something from others, unless that is wanted, and where it
/// would leave a collection account without a mailbox.
pub(super) async fn weigh(
    system: &System,
    newest: &Revision,
    document: &str,
    accounts: Accounts,
    yes: bool,
) -> Result<Policy, Failure> {
    let new = compile(document)?;
    // A document that this version cannot read is no reason to keep it.
    let old = Policy::parse(&newest.document).or_else(|_| compile(Policy::default_document()))?;
    let dependents = consequences::of_change(system, &old, &new, accounts).await?;
    if !dependents.is_empty() {
        let removal = Removal {
            what: "takes away what is in use".to_owned(),
            dependents,
            way_back: consequences::rolled_back_by(newest.revision),
        };
        removal.confirm(yes)?;
    }
    Ok(new)
}

/// Who makes a revision or a decision: whoever is logged in.
pub(super) fn author() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| "postern".to_owned())
}

#[cfg(test)]
mod tests;
