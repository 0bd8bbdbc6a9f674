//! Whose name stands in a message's From field (RFC 6409 §6.1, RFC 5322 §3.6.2).

use message::header::{Address, addresses, fields};
use rules::{Domain, EmailAddress, Policy, SessionFacts, Verdict};

/// The first verdict against one of the authors, if there is one. A message without a From field
/// names nobody.
pub(super) fn refusal(policy: &Policy, facts: &SessionFacts, header: &[u8]) -> Option<Verdict> {
    fields(header)
        .filter(|field| field.is("From"))
        .flat_map(|field| addresses(field.value))
        .filter_map(|address| match address {
            Address::Mailbox(mailbox) => Some(parse(&mailbox.local, &mailbox.domain)),
            Address::GroupStart(_) | Address::GroupEnd => None,
        })
        .map(|author| policy.accept_author(facts, author.as_ref()))
        .find(|verdict| !verdict.is_accepted())
}

fn parse(local: &[u8], domain: &[u8]) -> Option<EmailAddress> {
    let local = std::str::from_utf8(local).ok()?;
    let domain = Domain::parse(std::str::from_utf8(domain).ok()?).ok()?;
    EmailAddress::new(local, domain).ok()
}
