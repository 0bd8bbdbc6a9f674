//! The mail that users would lose by a change of the policy.

use std::collections::BTreeMap;

use rules::{Delivery, Domain, DomainRule, EmailAddress, Host, Policy, Route};

use super::{NAMED, counted, listed, names};
use crate::users::listing::Pages;
use crate::{Administration, Error};

/// The users whose addresses would no longer lead to their mailboxes, one line for the same domains.
pub(super) async fn of_users(
    administration: &Administration,
    old: &Policy,
    new: &Policy,
) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for rule in old.domains() {
        let Some(mut losses) = Losses::possible(rule, old, new) else {
            continue;
        };
        let mut pages = Pages::of(administration, Some(losses.name))?;
        while let Some(users) = pages.next().await? {
            users.iter().for_each(|user| losses.add(&user.address));
        }
        lines.extend(losses.lines());
    }
    Ok(lines)
}

/// The losses of the users of one domain.
struct Losses<'p> {
    old: &'p Policy,
    new: &'p Policy,
    /// The domain of the users.
    name: &'p Domain,
    /// The domain and its aliases.
    domains: Vec<&'p Domain>,
    /// The number of users who lose the mail for these domains, and the first of them.
    by_domains: BTreeMap<Vec<&'p Domain>, (usize, Vec<String>)>,
}

impl<'p> Losses<'p> {
    /// None if mail for this rule's domains is treated as before.
    fn possible(rule: &'p DomainRule, old: &'p Policy, new: &'p Policy) -> Option<Self> {
        let name = rule.name.as_ref()?;
        let domains: Vec<&Domain> = names(rule).collect();
        let stays = |domain: &&Domain| new.domain(domain).is_some_and(|new| is_like(rule, new));
        let may_lose = rule.deliver == Delivery::Mailboxes && !domains.iter().all(stays);
        may_lose.then(|| Self {
            old,
            new,
            name,
            domains,
            by_domains: BTreeMap::new(),
        })
    }

    fn add(&mut self, user: &str) {
        // The directory lists only valid addresses.
        let Ok(user) = EmailAddress::parse(user) else {
            return;
        };
        let loses = |domain: &&Domain| {
            let host = Host::Domain((*domain).clone());
            let address = EmailAddress::of_unquoted(user.local(), host);
            address.is_ok_and(|address| {
                leads_to(self.old, &address, &user) && !leads_to(self.new, &address, &user)
            })
        };
        let lost: Vec<&Domain> = self.domains.iter().copied().filter(loses).collect();
        if lost.is_empty() {
            return;
        }
        let (count, first) = self.by_domains.entry(lost).or_default();
        *count += 1;
        if first.len() < NAMED {
            first.push(user.to_string());
        }
    }

    fn lines(self) -> impl Iterator<Item = String> {
        self.by_domains
            .into_iter()
            .map(|(domains, (count, first))| {
                let domains: Vec<&str> = domains.iter().map(|domain| domain.as_str()).collect();
                format!(
                    "{} would get no more mail for {}: {}",
                    counted(count, "user"),
                    domains.join(", "),
                    listed(&first, count)
                )
            })
    }
}

/// Whether two rules lead all local parts to the same mailboxes.
fn is_like(old: &DomainRule, new: &DomainRule) -> bool {
    let mut handlers = old.handlers.iter().zip(&new.handlers);
    old.name == new.name
        && old.deliver == new.deliver
        && old.handlers.len() == new.handlers.len()
        && handlers.all(|(old, new)| old.pattern == new.pattern && old.action == new.action)
}

fn leads_to(policy: &Policy, address: &EmailAddress, user: &EmailAddress) -> bool {
    matches!(policy.route(address), Route::Mailbox { user: to, .. } if to == *user)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    const OLD: &str = r#"
        [[domain]]
        name = "example.test"
        aliases = ["alias.test"]
        deliver = "mailboxes"

        [[domain]]
        name = "other.test"
        deliver = "mailboxes"
    "#;

    fn lost(new: &str) -> Vec<String> {
        let (old, new) = (Policy::parse(OLD).unwrap(), Policy::parse(new).unwrap());
        let mut lines = Vec::new();
        for rule in old.domains() {
            let Some(mut losses) = Losses::possible(rule, &old, &new) else {
                continue;
            };
            for local in ["bob", "eve", "ann", "joe", "sales-1"] {
                losses.add(&format!("{local}@{}", losses.name));
            }
            lines.extend(losses.lines());
        }
        lines
    }

    #[test]
    fn whoever_no_longer_gets_mail_for_an_address_of_theirs_is_told() {
        for (from, to, expected) in [
            ("", "", &[][..]),
            // One mailbox for all. Bob stays where he is.
            (
                "aliases = [\"alias.test\"]\n        deliver = \"mailboxes\"",
                "aliases = [\"alias.test\"]\n        deliver = { mailbox = \"bob\" }",
                &[
                    "4 users would get no more mail for example.test, alias.test: eve@example.test, \
                   ann@example.test, joe@example.test and 1 more",
                ],
            ),
            // The alias becomes another domain's.
            (
                "aliases = [\"alias.test\"]\n        deliver = \"mailboxes\"\n\n        [[domain]]\n        name = \"other.test\"",
                "deliver = \"mailboxes\"\n\n        [[domain]]\n        name = \"other.test\"\n        aliases = [\"alias.test\"]",
                &[
                    "5 users would get no more mail for alias.test: bob@example.test, \
                   eve@example.test, ann@example.test and 2 more",
                ],
            ),
            // The alias goes.
            (
                "aliases = [\"alias.test\"]",
                "",
                &[
                    "5 users would get no more mail for alias.test: bob@example.test, \
                   eve@example.test, ann@example.test and 2 more",
                ],
            ),
            // A handler takes an address.
            (
                "[[domain]]\n        name = \"other.test\"",
                "[[domain.handler]]\n        match = \"sales-*\"\n        deliver = \"discard\"\n\n        [[domain]]\n        name = \"other.test\"",
                &[
                    "1 user would get no more mail for example.test, alias.test: sales-1@example.test",
                ],
            ),
            // A handler that leads to the same mailbox takes nothing.
            (
                "[[domain]]\n        name = \"other.test\"",
                "[[domain.handler]]\n        match = \"bob\"\n        deliver = { mailbox = \"bob\" }\n\n        [[domain]]\n        name = \"other.test\"",
                &[],
            ),
            // The domain gets another name, so the mailboxes of the old one are nobody's.
            (
                "name = \"other.test\"",
                "name = \"new.test\"\n        aliases = [\"other.test\"]",
                &[
                    "5 users would get no more mail for other.test: bob@other.test, eve@other.test, \
                   ann@other.test and 2 more",
                ],
            ),
        ] {
            assert!(OLD.contains(from), "{from}");
            assert_eq!(lost(&OLD.replacen(from, to, 1)), expected, "{to}");
        }
    }
}
