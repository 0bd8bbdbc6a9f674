//! Revisions of the policy: reading the newest, and adding the next.

use api::grpc::{Code, Status};
use api::policy::v1::{ApplyPolicyRequest, GetPolicyRequest, Revision};
use rules::Policy;

use super::document::EditError;
use crate::consequences::{self, Accounts};
use crate::{Administration, Deadline, Error, Removal, System};

/// Attempts to repeat a change after a concurrent one.
pub(super) const ATTEMPTS: usize = 5;

pub(crate) fn failed(status: &Status) -> Error {
    Error::call("the queue", status)
}

/// A revision; 0 is the newest. A system without a policy has the default document as revision 0.
pub(crate) async fn get(system: &System, revision: u64) -> Result<Revision, Error> {
    let request = GetPolicyRequest { revision };
    match system.policy(Deadline::Question)?.get_policy(request).await {
        Ok(found) => Ok(found.into_inner()),
        Err(status) if status.code() == Code::NotFound && revision == 0 => Ok(Revision {
            document: Policy::default_document().to_owned(),
            ..Revision::default()
        }),
        Err(status) if status.code() == Code::NotFound => Err(Error::NotFound(format!(
            "there is no revision {revision} of the policy; postern policy list shows those there are"
        ))),
        Err(status) => Err(failed(&status)),
    }
}

/// The newest revision, compiled.
pub(crate) async fn newest_policy(system: &System) -> Result<(u64, Policy), Error> {
    let newest = get(system, 0).await?;
    let policy = compile(&newest.document)?;
    Ok((newest.revision, policy))
}

/// Compiles a document that the queue has accepted.
pub(crate) fn compile(document: &str) -> Result<Policy, Error> {
    Policy::parse(document).map_err(|errors| {
        Error::Failed(format!(
            "the policy cannot be read by this version of postern:\n{errors}"
        ))
    })
}

/// Makes a document the next revision, if `expected` is still the newest.
pub(super) async fn apply(
    administration: &Administration,
    document: String,
    expected: u64,
    comment: String,
) -> Result<Revision, Status> {
    let request = ApplyPolicyRequest {
        actor: administration.asking(),
        document,
        expected_revision: Some(expected),
        comment,
    };
    let system = administration.system();
    let mut client = system
        .policy(Deadline::Work)
        .map_err(|error| Status::internal(error.to_string()))?;
    client
        .apply_policy(request)
        .await
        .map(api::grpc::Response::into_inner)
}

/// Edits the newest document, and repeats the edit after a concurrent change. An edit with dependents must
/// be `confirmed`.
pub(crate) async fn edit(
    administration: &Administration,
    comment: &str,
    confirmed: bool,
    change: impl Fn(&str) -> Result<String, EditError>,
) -> Result<Revision, Error> {
    let system = administration.system();
    let mut attempt = 1;
    loop {
        let newest = get(system, 0).await?;
        let document = change(&newest.document)?;
        let accounts = Accounts::ThatHadOne;
        weigh(administration, &newest, &document, accounts, confirmed).await?;
        match apply(
            administration,
            document,
            newest.revision,
            comment.to_owned(),
        )
        .await
        {
            Ok(revision) => return Ok(revision),
            Err(status) if status.code() == Code::Aborted && attempt < ATTEMPTS => attempt += 1,
            Err(status) => return Err(failed(&status)),
        }
    }
}

/// Returns an error if a document would remove something in use without confirmation, or would leave a
/// collection account without a mailbox.
pub(super) async fn weigh(
    administration: &Administration,
    newest: &Revision,
    document: &str,
    accounts: Accounts,
    confirmed: bool,
) -> Result<Policy, Error> {
    let new = compile(document)?;
    // A current document that this version cannot read does not prevent the change.
    let old = Policy::parse(&newest.document).or_else(|_| compile(Policy::default_document()))?;
    consequences::require_mailboxes(administration.system(), &old, &new, accounts).await?;
    if confirmed {
        return Ok(new);
    }
    let dependents = consequences::of_change(administration, &old, &new).await?;
    if !dependents.is_empty() {
        let removal = Removal {
            what: "takes away what is in use".to_owned(),
            dependents,
            way_back: consequences::rolled_back_by(newest.revision),
        };
        removal.confirm(confirmed)?;
    }
    Ok(new)
}

#[cfg(test)]
mod tests;
