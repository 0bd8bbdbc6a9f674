//! Requirements of a policy outside its document: mailboxes, secrets, and stable names of collection
//! accounts.

use api::policy::v1::Revision;
use rules::{CollectAccount, LeaveOnServer, NamedMailbox, NamedSecret, Policy};

use crate::{Error, System, consequences, secrets};

/// Missing requirements of a policy, each a sentence. The policy is already in force, so requirements that
/// cannot be checked are omitted.
pub(super) async fn notes(system: &System, before: &Revision, policy: &Policy) -> Vec<String> {
    let mut notes = match Policy::parse(&before.document) {
        Ok(old) => renamed_accounts(&old, policy),
        Err(_) => Vec::new(),
    };
    notes.extend(lacks(system, policy).await.unwrap_or_default());
    notes
}

/// Missing mailboxes and secrets of a policy, each a sentence.
pub(crate) async fn lacks(system: &System, policy: &Policy) -> Result<Vec<String>, Error> {
    let mailboxes = consequences::missing(system, policy.named_mailboxes()).await?;
    let mut lacks: Vec<String> = mailboxes
        .iter()
        .map(|named| {
            let NamedMailbox { by, address, .. } = named;
            match named.collects {
                true => format!(
                    "nobody gets the mail of the {by} for {address}, so nothing is collected: {}",
                    policy.whereabouts(address)
                ),
                false => format!(
                    "the policy names the mailbox {address} ({by}), and there is no such user"
                ),
            }
        })
        .collect();
    let named = policy.named_secrets();
    if named.is_empty() {
        return Ok(lacks);
    }
    let set = secrets::names(system).await?;
    let missing = named.iter().filter(|secret| !set.contains(&secret.name));
    lacks.extend(missing.map(|secret| {
        let NamedSecret { name, by } = secret;
        format!("the secret {name} ({by}) is not set: postern secret set {name}")
    }));
    Ok(lacks)
}

/// The record of collected mail is keyed by the account's name.
fn renamed_accounts(old: &Policy, new: &Policy) -> Vec<String> {
    let named = |policy: &Policy, name: &str| {
        let mut accounts = policy.collect_accounts().iter();
        accounts.any(|account| &*account.name == name)
    };
    let leaves = |account: &CollectAccount| account.leave_on_server != LeaveOnServer::Never;
    let mut notes = Vec::new();
    for account in new.collect_accounts() {
        let before = old.collect_accounts().iter().find(|before| {
            before.server == account.server
                && before.login.user == account.login.user
                && !named(new, &before.name)
        });
        if let Some(before) = before.filter(|_| leaves(account) && !named(old, &account.name)) {
            notes.push(format!(
                "the collection account {} is called {} now: what it left on the server is \
                 collected again. Give it its name back to avoid that",
                before.name, account.name
            ));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    fn policy(name: &str, leave: &str) -> Policy {
        Policy::parse(&format!(
            "[[collect]]\nname = \"{name}\"\nserver = \"pop.isp.test\"\nprotocol = \"pop3s\"\n\
             login = {{ user = \"office\", secret = \"isp\" }}\n\
             deliver = {{ mailbox = \"bob@example.test\" }}\nleave-on-server = \"{leave}\"\n"
        ))
        .unwrap()
    }

    #[test]
    fn an_account_that_is_called_otherwise_collects_again_what_it_left() {
        let old = policy("isp", "for ever");
        let notes = renamed_accounts(&old, &policy("provider", "for ever"));
        assert!(notes[0].contains("isp is called provider now"), "{notes:?}");
        assert!(renamed_accounts(&old, &policy("isp", "for ever")).is_empty());
        assert!(renamed_accounts(&old, &policy("provider", "never")).is_empty());
    }
}
