//! Mail in the queue that waits for a domain rule, or for a user, that is to be removed.

use std::collections::{BTreeMap, HashSet};

use api::queue::v1::{ListMessagesRequest, QueuedMessage};
use rules::{Delivery, Domain, DomainRule, EmailAddress, HandlerAction, Policy, Unmatched};

use super::{names, with_mailbox};
use crate::listing::Pages;
use crate::{Administration, Deadline, Error, Listing};

/// Maximum messages read for one domain; the result says if there are more.
const LOOKED_AT: usize = 10_000;

/// Maximum domains searched for in the queue: a change that removes more is no mistake.
const NAMES: usize = 100;

/// The waiting mail for domains whose rule the new policy removes, one line a domain.
pub(super) async fn for_rules(
    administration: &Administration,
    old: &Policy,
    new: &Policy,
) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for domain in lost(old, new).into_iter().take(NAMES) {
        let found = list(administration, &format!("@{domain}")).await?;
        let is_its = |address: &EmailAddress| address.domain() == Some(domain);
        let count = found.entries.iter().filter(|one| is_to(one, is_its));
        lines.extend(line(count.count(), found.more, &format!("@{domain}")));
    }
    if has_rule_for_all(old) && !has_rule_for_all(new) {
        let found = list(administration, "").await?;
        let is_its = |address: &EmailAddress| {
            let domain = address.domain();
            domain.is_none_or(|domain| old.domain(domain).is_none())
        };
        let count = found.entries.iter().filter(|one| is_to(one, is_its));
        lines.extend(line(count.count(), found.more, ""));
    }
    Ok(lines)
}

/// The waiting mail for a user, in one line.
pub(crate) async fn for_user(
    administration: &Administration,
    policy: &Policy,
    user: &EmailAddress,
) -> Result<Option<String>, Error> {
    let rules = policy.domains().iter().filter(|rule| concerns(rule, user));
    let domains = rules.flat_map(|rule| names(rule));
    let mut more = false;
    // By message, for each of its recipients: the other user who gets the mail first, if that user exists.
    let mut waiting: BTreeMap<i64, Vec<Option<EmailAddress>>> = BTreeMap::new();
    for domain in domains.take(NAMES) {
        let found = list(administration, &format!("@{domain}")).await?;
        more |= found.more;
        for message in &found.entries {
            let asked = addresses(message).map(|address| policy.users_asked(&address));
            let of_user = asked.filter(|asked| asked.contains(user));
            let before = of_user.map(|asked| asked.into_iter().next().filter(|one| one != user));
            let before: Vec<_> = before.collect();
            if !before.is_empty() {
                waiting.insert(message.message_id, before);
            }
        }
    }
    let others: HashSet<EmailAddress> = waiting.values().flatten().flatten().cloned().collect();
    let others: Vec<EmailAddress> = others.into_iter().collect();
    let there = with_mailbox(administration.system(), &others).await?;
    let is_theirs =
        |before: &Option<EmailAddress>| before.as_ref().is_none_or(|other| !there.contains(other));
    waiting.retain(|_, before| before.iter().any(is_theirs));
    Ok(line(waiting.len(), more, &user.to_string()))
}

/// The domains that have another rule, or none, in the new policy.
fn lost<'a>(old: &'a Policy, new: &Policy) -> Vec<&'a Domain> {
    let rules = old.domains().iter();
    let names = rules.flat_map(|rule| names(rule).map(move |domain| (rule, domain)));
    names
        .filter(|(rule, domain)| {
            let next = new.domain(domain);
            next.is_none_or(|next| next.name != rule.name)
        })
        .map(|(_, domain)| domain)
        .collect()
}

fn has_rule_for_all(policy: &Policy) -> bool {
    policy.domains().iter().any(|rule| rule.name.is_none())
}

/// Whether a rule may deliver mail to this user.
fn concerns(rule: &DomainRule, user: &EmailAddress) -> bool {
    let is_user = |other: &EmailAddress| other == user;
    (rule.deliver == Delivery::Mailboxes && rule.name.as_ref() == user.domain())
        || matches!(&rule.deliver, Delivery::Mailbox(other) if is_user(other))
        || matches!(&rule.unmatched, Unmatched::CatchAll(other) if is_user(other))
        || rule.handlers.iter().any(
            |handler| matches!(&handler.action, HandlerAction::Mailbox(other) if is_user(other)),
        )
}

fn addresses(message: &QueuedMessage) -> impl Iterator<Item = EmailAddress> {
    let recipients = message.recipients.iter();
    recipients.filter_map(|recipient| EmailAddress::parse(&recipient.address).ok())
}

fn is_to(message: &QueuedMessage, is_its: impl Fn(&EmailAddress) -> bool) -> bool {
    addresses(message).any(|address| is_its(&address))
}

/// The waiting messages with a recipient whose address contains this text.
async fn list(
    administration: &Administration,
    recipient: &str,
) -> Result<Listing<QueuedMessage>, Error> {
    let mut client = administration.system().queue(Deadline::Search)?;
    let mut pages = Pages::of(LOOKED_AT);
    while let Some((after, limit)) = pages.next_page() {
        let request = ListMessagesRequest {
            actor: administration.asking(),
            after: after.unwrap_or(0),
            limit,
            recipient: recipient.to_owned(),
            ..ListMessagesRequest::default()
        };
        let page = client.list_messages(request).await;
        let page = page.map_err(|status| Error::call("the queue", &status))?;
        let page = page.into_inner();
        let next = (page.next != 0).then_some(page.next);
        pages.add(page.messages, next);
    }
    Ok(pages.listing())
}

/// `more`: not all messages were read. `recipient` is empty for the rule `*`.
fn line(count: usize, more: bool, recipient: &str) -> Option<String> {
    let wait = match (count, more) {
        (0, false) => return None,
        (0, true) => "mail may wait".to_owned(),
        (1, false) => "1 message waits".to_owned(),
        (count, false) => format!("{count} messages wait"),
        (count, true) => format!("{count} messages and more wait"),
    };
    Some(match recipient {
        "" => {
            format!("{wait} in the queue for domains that no other rule names: postern queue list")
        }
        recipient => {
            let whom = recipient.trim_start_matches('@');
            format!("{wait} in the queue for {whom}: postern queue list --recipient {recipient}")
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    fn policy(rules: &str) -> Policy {
        Policy::parse(rules).unwrap()
    }

    const OLD: &str = "[[domain]]\nname = \"a.test\"\naliases = [\"b.test\"]\n\
                       deliver = \"mailboxes\"\nunmatched = { catch-all = \"all@c.test\" }\n\
                       [[domain]]\nname = \"c.test\"\ndeliver = \"mailboxes\"\n\
                       [[domain]]\nname = \"*\"\ndeliver = \"direct\"\n";

    #[test]
    fn names_are_lost_that_another_rule_or_none_is_for() {
        let old = policy(OLD);
        let same = "[[domain]]\nname = \"a.test\"\naliases = [\"b.test\"]\ndeliver = \"direct\"\n\
                    from = \"trusted\"\n";
        let moved = "[[domain]]\nname = \"a.test\"\ndeliver = \"mailboxes\"\n\
                     [[domain]]\nname = \"c.test\"\naliases = [\"b.test\"]\ndeliver = \"mailboxes\"\n";
        for (new, expected) in [
            (OLD, &[][..]),
            (same, &["c.test"]),
            (moved, &["b.test"]),
            ("", &["a.test", "b.test", "c.test"]),
        ] {
            let new = policy(new);
            let names: Vec<&str> = lost(&old, &new).into_iter().map(Domain::as_str).collect();
            assert_eq!(names, expected);
        }
    }

    #[test]
    fn the_rules_that_may_give_a_user_mail_are_theirs_and_those_that_name_them() {
        let policy = policy(OLD);
        for (user, expected) in [
            ("bob@a.test", &["a.test"][..]),
            ("all@c.test", &["a.test", "c.test"]),
            ("eve@d.test", &[]),
        ] {
            let user: EmailAddress = user.parse().unwrap();
            let rules = policy.domains().iter().filter(|rule| concerns(rule, &user));
            let names: Vec<_> = rules.flat_map(|rule| &rule.name).collect();
            let names: Vec<&str> = names.into_iter().map(Domain::as_str).collect();
            assert_eq!(names, expected, "{user}");
        }
    }

    #[test]
    fn what_waits_is_told_with_the_command_that_shows_it() {
        assert_eq!(line(0, false, "@a.test"), None);
        assert_eq!(
            line(1, false, "@a.test").unwrap(),
            "1 message waits in the queue for a.test: postern queue list --recipient @a.test"
        );
        let many = line(9000, true, "bob@a.test").unwrap();
        assert!(many.starts_with("9000 messages and more wait in the queue for bob@a.test: "));
        assert!(line(0, true, "").unwrap().starts_with("mail may wait"));
    }
}
