//! Secrets: passwords named in the policy. They are stored encrypted and never shown.

use api::grpc::Code;
use api::policy::v1::{ListSecretsRequest, RemoveSecretRequest, SetSecretRequest};
use rules::Policy;
use serde::Serialize;

use crate::Removal;
use crate::policy::revision::{self, failed};
use crate::{Administration, Deadline, Error, System};

/// A stored secret, or a name in the policy without a stored secret.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// The name, as in the policy's logins.
    pub name: String,
    /// It has a value.
    pub set: bool,
    /// The references in the policy.
    pub used_by: Vec<String>,
}

/// The stored secrets, and those that the policy in force needs, by name.
///
/// # Errors
/// If the queue does not answer.
pub async fn list(administration: &Administration) -> Result<Vec<Secret>, Error> {
    let system = administration.system();
    let names = names(system).await?;
    let (_, policy) = revision::newest_policy(system).await?;
    Ok(listed(&names, &policy))
}

pub(crate) fn listed(set: &[String], policy: &Policy) -> Vec<Secret> {
    let used = policy.named_secrets();
    let mut names: Vec<String> = used.iter().map(|secret| secret.name.clone()).collect();
    names.extend_from_slice(set);
    names.sort();
    names.dedup();
    let listed = names.into_iter().map(|name| Secret {
        set: set.contains(&name),
        used_by: used
            .iter()
            .filter(|secret| secret.name == name)
            .map(|secret| secret.by.clone())
            .collect(),
        name,
    });
    listed.collect()
}

/// The names of the stored secrets.
pub(crate) async fn names(system: &System) -> Result<Vec<String>, Error> {
    let mut client = system.policy(Deadline::Question)?;
    let names = client.list_secrets(ListSecretsRequest {}).await;
    Ok(names.map_err(|status| failed(&status))?.into_inner().names)
}

/// A stored secret.
#[derive(Debug, Serialize)]
pub struct SecretSet {
    /// Its name.
    pub set: String,
}

/// Stores a secret, or replaces it.
///
/// # Errors
/// If the name or the value is invalid.
pub async fn set(
    administration: &Administration,
    name: &str,
    value: Vec<u8>,
) -> Result<SecretSet, Error> {
    let request = SetSecretRequest {
        actor: administration.asking(),
        name: name.to_owned(),
        value: value.into(),
    };
    let mut client = administration.system().policy(Deadline::Question)?;
    let done = client.set_secret(request).await;
    done.map_err(|status| failed(&status))?;
    Ok(SecretSet {
        set: name.to_owned(),
    })
}

/// A secret that was removed.
#[derive(Debug, Serialize)]
pub struct SecretRemoved {
    /// Its name.
    pub removed: String,
    /// The references in the policy, which do not work until the secret is stored again.
    pub used_by: Vec<String>,
}

/// Removes a secret.
///
/// # Errors
/// If it does not exist, or the removal was not confirmed.
pub async fn remove(
    administration: &Administration,
    name: &str,
    confirmed: bool,
) -> Result<SecretRemoved, Error> {
    let system = administration.system();
    let names = names(system).await?;
    let (_, policy) = revision::newest_policy(system).await?;
    if !names.iter().any(|known| known == name) {
        return Err(unknown(name));
    }
    let used = policy.named_secrets().into_iter();
    let used_by: Vec<String> = used
        .filter(|secret| secret.name == name)
        .map(|secret| secret.by)
        .collect();
    let removal = Removal {
        what: format!("removes the secret {name}"),
        dependents: used_by.clone(),
        way_back: format!(
            "Its value cannot be brought back: whoever has it can set it again, by \
             postern secret set {name}."
        ),
    };
    removal.confirm(confirmed)?;
    let request = RemoveSecretRequest {
        actor: administration.asking(),
        name: name.to_owned(),
    };
    let done = system
        .policy(Deadline::Question)?
        .remove_secret(request)
        .await;
    done.map_err(|status| match status.code() {
        Code::NotFound => unknown(name),
        _ => failed(&status),
    })?;
    Ok(SecretRemoved {
        removed: name.to_owned(),
        used_by,
    })
}

fn unknown(name: &str) -> Error {
    Error::NotFound(format!(
        "there is no secret {name}, so none was removed; postern secret list shows their names"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn secrets_that_the_policy_needs_are_listed_as_missing() {
        let policy = Policy::parse(
            "[[gateway]]\nname = \"isp\"\nhosts = [\"smtp.isp.test\"]\n\
             login = { user = \"office\", secret = \"isp\" }\n",
        )
        .unwrap();
        let list = listed(&["old".to_owned()], &policy);
        let found: Vec<_> = list.iter().map(|one| (&*one.name, one.set)).collect();
        assert_eq!(found, [("isp", false), ("old", true)]);
        assert_eq!(list[0].used_by, ["gateway isp"]);
    }
}
