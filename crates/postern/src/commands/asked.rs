//! Which policy a question is put to, and who has a mailbox.

use std::collections::HashSet;
use std::path::Path;

use api::directory::v1::FindUsersRequest;
use rules::{EmailAddress, Policy};

use super::{policy, revision};
use crate::failure::Failure;
use crate::system::{self, System};

/// Addresses asked for in one call.
const AT_A_TIME: usize = 1000;

/// A policy that is asked.
pub(super) struct Asked {
    /// How it is called.
    pub(super) source: String,
    pub(super) policy: Policy,
    /// It is none of the running system's.
    pub(super) is_file: bool,
}

/// The policy of a file, else a revision of the running system's.
pub(super) async fn policy(
    file: Option<&Path>,
    revision: u64,
    system: &System,
) -> Result<Asked, Failure> {
    if let Some(file) = file {
        let policy = Policy::parse(&policy::document(file)?).map_err(|errors| {
            let errors = errors.iter().map(|error| policy::at(file, error));
            let errors: Vec<String> = errors.collect();
            Failure::Usage(format!("the policy is not valid\n{}", errors.join("\n")))
        })?;
        return Ok(Asked {
            source: file.display().to_string(),
            policy,
            is_file: true,
        });
    }
    let found = revision::get(system, revision).await?;
    Ok(Asked {
        policy: revision::compile(&found.document)?,
        source: format!("revision {}", found.revision),
        is_file: false,
    })
}

/// Who of these has a mailbox in the running system.
pub(super) async fn users(
    system: &System,
    asked: Vec<EmailAddress>,
) -> Result<HashSet<EmailAddress>, Failure> {
    let mut users = HashSet::new();
    for part in asked.chunks(AT_A_TIME) {
        let request = FindUsersRequest {
            addresses: part.iter().map(ToString::to_string).collect(),
        };
        let found = system
            .directory(system::Asked::Question)?
            .find_users(request)
            .await;
        let found = found.map_err(|status| Failure::call("mailbox-store", &status))?;
        let found = part.iter().zip(found.into_inner().found);
        users.extend(
            found
                .filter(|(_, found)| *found)
                .map(|(user, _)| user.clone()),
        );
    }
    Ok(users)
}
