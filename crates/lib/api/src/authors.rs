//! The authors of a message (RFC 5322 §3.6.2), as the rules know addresses.

use message_crate::header::{Address, addresses, fields};
use rules::{Domain, EmailAddress};

/// Who stands in the From fields of a header section; `None` for something that is no address.
pub fn authors(header: &[u8]) -> impl Iterator<Item = Option<EmailAddress>> {
    fields(header)
        .filter(|field| field.is("From"))
        .flat_map(|field| addresses(field.value))
        .filter_map(|address| match address {
            Address::Mailbox(mailbox) => Some(parse(&mailbox.local, &mailbox.domain)),
            Address::GroupStart(_) | Address::GroupEnd => None,
        })
}

fn parse(local: &[u8], domain: &[u8]) -> Option<EmailAddress> {
    let local = std::str::from_utf8(local).ok()?;
    let domain = Domain::parse(std::str::from_utf8(domain).ok()?).ok()?;
    EmailAddress::new(local, domain).ok()
}
