//! Dependents of a removal: one rule for all operations that remove something.
//!
//! A removal with dependents, or of something that cannot be restored (mail, passwords), must be confirmed;
//! the error lists the dependents, and the way back if there is one. A collection account must always have
//! a mailbox: its mail would have no destination.

mod mail;
mod waiting;

use std::collections::HashSet;

use api::directory::v1::FindUsersRequest;
use rules::{Domain, DomainRule, EmailAddress, NamedMailbox, Policy};

use crate::{Administration, Deadline, Error, Removal, System};
pub(crate) use waiting::for_user as waiting_for_user;

/// Addresses in one call.
const FIND_AT_ONCE: usize = 1000;

/// Users of a domain listed by name; further ones are only counted.
const NAMED: usize = 3;

impl Removal {
    /// Returns an error with the dependents unless the removal is confirmed.
    pub(crate) fn confirm(self, confirmed: bool) -> Result<(), Error> {
        match confirmed {
            true => Ok(()),
            false => Err(Error::Unconfirmed(self)),
        }
    }
}

/// The command that undoes a change of the policy.
pub(crate) fn rolled_back_by(revision: u64) -> String {
    format!("The way back: postern policy rollback {revision}.")
}

/// The collection accounts that must have a mailbox after a change of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accounts {
    All,
    /// Those with a mailbox before: the change concerns something else.
    ThatHadOne,
}

/// Returns an error if a collection account would have no mailbox after a change of the policy.
pub(crate) async fn require_mailboxes(
    system: &System,
    old: &Policy,
    new: &Policy,
    accounts: Accounts,
) -> Result<(), Error> {
    let mut without = without_mailbox(system, new).await?;
    if accounts == Accounts::ThatHadOne && !without.is_empty() {
        let before = without_mailbox(system, old).await?;
        without.retain(|account| !before.iter().any(|other| other.by == account.by));
    }
    if !without.is_empty() {
        let lines = without.iter().map(|account| {
            let address = &account.address;
            let reason = new.whereabouts(address);
            format!("  - {} delivers to {address}: {reason}", account.by)
        });
        return Err(Error::Refused(format!(
            "collected mail would go nowhere; nothing was changed:\n{}\n\
             Add the user (postern user add), name another mailbox, or switch the account off \
             (enabled = false)",
            lines.collect::<Vec<_>>().join("\n")
        )));
    }
    Ok(())
}

/// The losses caused by a change of the policy, one a line.
pub(crate) async fn of_change(
    administration: &Administration,
    old: &Policy,
    new: &Policy,
) -> Result<Vec<String>, Error> {
    let mut lost = mail::of_users(administration, old, new).await?;
    for rule in old.domains() {
        lost.extend(of_domain(rule, new));
    }
    lost.extend(waiting::for_rules(administration, old, new).await?);
    Ok(lost)
}

/// The losses, besides mail, caused by removing a domain's names from the local domains.
fn of_domain(rule: &DomainRule, new: &Policy) -> Vec<String> {
    let mut lost = Vec::new();
    let Some(name) = rule.name.as_ref().filter(|_| rule.deliver.is_local()) else {
        return lost;
    };
    let gone: Vec<&Domain> = names(rule).filter(|domain| !new.is_local(domain)).collect();
    if gone.contains(&name) && !rule.handlers.is_empty() {
        let patterns: Vec<String> = rule
            .handlers
            .iter()
            .map(|handler| handler.pattern.to_string())
            .collect();
        lost.push(format!(
            "{} of {name}: {}",
            counted(patterns.len(), "handler"),
            listed(&patterns, patterns.len())
        ));
    }
    if let Some(postmaster) = &new.delivery().postmaster
        && postmaster
            .domain()
            .is_some_and(|domain| gone.contains(&domain))
    {
        lost.push(format!("the postmaster's address {postmaster}"));
    }
    lost
}

/// The domains of a rule: its name, unless it is `*`, and its aliases.
fn names(rule: &DomainRule) -> impl Iterator<Item = &Domain> {
    rule.name.iter().chain(&rule.aliases)
}

/// The collection accounts without a mailbox for their mail.
pub(crate) async fn without_mailbox(
    system: &System,
    policy: &Policy,
) -> Result<Vec<NamedMailbox>, Error> {
    let accounts = policy.named_mailboxes().into_iter();
    missing(system, accounts.filter(|named| named.collects).collect()).await
}

/// The addresses that have a mailbox.
pub(crate) async fn with_mailbox(
    system: &System,
    users: &[EmailAddress],
) -> Result<HashSet<EmailAddress>, Error> {
    let mut with_mailbox = HashSet::new();
    for part in users.chunks(FIND_AT_ONCE) {
        let request = FindUsersRequest {
            addresses: part.iter().map(ToString::to_string).collect(),
        };
        let mut client = system.directory(Deadline::Question)?;
        let found = client.find_users(request).await;
        let found = found.map_err(|status| Error::call("mailbox-store", &status))?;
        let found = part.iter().zip(found.into_inner().found);
        let found = found.filter(|(_, found)| *found);
        with_mailbox.extend(found.map(|(user, _)| user.clone()));
    }
    Ok(with_mailbox)
}

/// The accounts for which none of the users exists.
pub(crate) async fn missing(
    system: &System,
    mut named: Vec<NamedMailbox>,
) -> Result<Vec<NamedMailbox>, Error> {
    let users: Vec<EmailAddress> = named.iter().flat_map(|one| one.users.clone()).collect();
    let there = with_mailbox(system, &users).await?;
    named.retain(|one| !one.users.iter().any(|user| there.contains(user)));
    Ok(named)
}

/// The dependents of a user, one a line; an error if a collection account would have no mailbox.
pub(crate) async fn of_user(
    system: &System,
    policy: &Policy,
    user: &EmailAddress,
) -> Result<Vec<String>, Error> {
    let mut named = policy.named_mailboxes();
    named.retain(|one| one.users.contains(user));
    let lines = named.iter().map(|one| one.by.clone()).collect();
    let mut collecting: Vec<NamedMailbox> = named;
    collecting.retain(|one| one.collects);
    for one in &mut collecting {
        one.users.retain(|other| other != user);
    }
    let left = missing(system, collecting).await?;
    if left.is_empty() {
        return Ok(lines);
    }
    let accounts: Vec<&str> = left.iter().map(|one| one.by.as_str()).collect();
    Err(Error::Refused(format!(
        "{user} gets the mail of the {}, which would go nowhere; nothing was changed. Name another \
         mailbox in the policy first, or switch the account off (enabled = false)",
        accounts.join(" and of the ")
    )))
}

pub(crate) fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

/// The first of so many names, and the number of further ones.
fn listed(names: &[String], count: usize) -> String {
    let first = &names[..names.len().min(NAMED)];
    match count.saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn what_depends_and_the_way_back_are_named() {
        let removal = |dependents: &[&str]| Removal {
            what: "removes the secret isp".to_owned(),
            dependents: dependents.iter().map(|&line| line.to_owned()).collect(),
            way_back: rolled_back_by(3),
        };
        let error = removal(&["gateway isp", "collection account box"])
            .confirm(false)
            .unwrap_err();
        assert!(matches!(error, Error::Unconfirmed(_)));
        assert_eq!(
            error.to_string(),
            "this removes the secret isp, and something depends on that:\n  - gateway isp\n  \
             - collection account box\nThe way back: postern policy rollback 3. Nothing was \
             changed"
        );
        let alone = removal(&[]).confirm(false).unwrap_err().to_string();
        assert!(
            alone.starts_with("this removes the secret isp. The way back"),
            "{alone}"
        );
        removal(&["gateway isp"]).confirm(true).unwrap();
    }

    #[test]
    fn many_are_counted() {
        let names = ["a", "b", "c", "d", "e"].map(str::to_owned);
        assert_eq!(listed(&names[..3], 3), "a, b, c");
        assert_eq!(listed(&names, 5), "a, b, c and 2 more");
        assert_eq!(listed(&names[..3], 5), "a, b, c and 2 more");
    }
}
