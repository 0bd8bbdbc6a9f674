//! `postern secret`: passwords that the policy names. They are stored encrypted and never shown.

use api::grpc::Code;
use api::policy::v1::{ListSecretsRequest, RemoveSecretRequest, SetSecretRequest};
use rules::Policy;
use serde::Serialize;

use super::consequences::Removal;
use super::revision::{self, failed};
use crate::failure::{Failure, Outcome};
use crate::prompt;
use crate::screen::{Screen, columns, written};
use crate::system::{Asked, System};

/// What can be done with secrets.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Set a secret: asked for on a terminal, else all of standard input
    #[command(after_help = "\
Examples:
  postern secret set isp
  printf %s \"$SECRET\" | postern secret set isp")]
    Set {
        /// Its name, as the policy's logins have it
        name: String,
    },
    /// Show the names of the secrets, and who uses them
    List,
    /// Remove a secret
    #[command(after_help = "Example:\n  postern secret remove isp --yes")]
    Remove {
        /// Its name
        name: String,
        /// Really: its value cannot be brought back
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(
    command: Command,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::Set { name } => {
            let value = prompt::secret(&name)?;
            let request = SetSecretRequest {
                name: name.clone(),
                value: value.into(),
            };
            let done = system.policy(Asked::Question)?.set_secret(request).await;
            done.map_err(|status| failed(&status))?;
            let json = serde_json::json!({ "set": name });
            screen.show(&json, || format!("The secret {name} is set."));
        }
        Command::List => {
            let names = names(system).await?;
            let (_, policy) = revision::newest_policy(system).await?;
            let list = list(names, &policy);
            screen.show(&list, || table(&list));
        }
        Command::Remove { name, yes } => remove(system, screen, name, yes).await?,
    }
    Ok(Outcome::Done)
}

fn unknown(name: &str) -> Failure {
    Failure::refused(format!(
        "there is no secret {name}, so none was removed; postern secret list shows their names"
    ))
}

async fn remove(system: &System, screen: &Screen, name: String, yes: bool) -> Result<(), Failure> {
    let names = names(system).await?;
    let (_, policy) = revision::newest_policy(system).await?;
    if !names.contains(&name) {
        return Err(unknown(&name));
    }
    let used = policy.named_secrets().into_iter();
    let dependents: Vec<String> = used
        .filter(|secret| secret.name == name)
        .map(|secret| secret.by)
        .collect();
    let removal = Removal {
        what: format!("removes the secret {name}"),
        dependents: dependents.clone(),
        way_back: format!(
            "Its value cannot be brought back: whoever has it can set it again, by \
             postern secret set {name}."
        ),
    };
    removal.confirm(yes)?;
    let request = RemoveSecretRequest { name: name.clone() };
    let done = system.policy(Asked::Question)?.remove_secret(request).await;
    done.map_err(|status| match status.code() {
        Code::NotFound => unknown(&name),
        _ => failed(&status),
    })?;
    let json = serde_json::json!({ "removed": name, "used_by": dependents });
    screen.show(&json, || format!("The secret {name} is gone."));
    if !dependents.is_empty() {
        screen.remark(format!(
            "Note: without it nothing goes by {}; set it again by postern secret set {name}",
            dependents.join(", ")
        ));
    }
    Ok(())
}

/// The names of the secrets that are set.
pub(super) async fn names(system: &System) -> Result<Vec<String>, Failure> {
    let mut client = system.policy(Asked::Question)?;
    let names = client.list_secrets(ListSecretsRequest {}).await;
    Ok(names.map_err(|status| failed(&status))?.into_inner().names)
}

/// A secret, or a name that the policy uses and that has none.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Listed {
    name: String,
    set: bool,
    used_by: Vec<String>,
}

fn list(set: Vec<String>, policy: &Policy) -> Vec<Listed> {
    let used = policy.named_secrets();
    let mut names: Vec<String> = used.iter().map(|secret| secret.name.clone()).collect();
    names.extend(set.iter().cloned());
    names.sort();
    names.dedup();
    let listed = names.into_iter().map(|name| Listed {
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

fn table(list: &[Listed]) -> String {
    if list.is_empty() {
        return "No secrets, and the policy needs none.".to_owned();
    }
    let mut table = columns(&["secret", "set", "used by"]);
    for secret in list {
        let used_by = secret.used_by.join(", ");
        table.add_row([
            secret.name.as_str(),
            if secret.set { "yes" } else { "NO" },
            if used_by.is_empty() { "-" } else { &used_by },
        ]);
    }
    written(&table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn secrets_that_the_policy_needs_are_shown_as_missing() {
        let policy = Policy::parse(
            "[[gateway]]\nname = \"isp\"\nhosts = [\"smtp.isp.test\"]\n\
             login = { user = \"office\", secret = \"isp\" }\n",
        )
        .unwrap();
        let list = list(vec!["old".to_owned()], &policy);
        assert_eq!(
            table(&list),
            "SECRET  SET  USED BY\nisp     NO   gateway isp\nold     yes  -"
        );
    }
}
