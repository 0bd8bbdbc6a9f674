//! The authors of a message (RFC 5322 §3.6.2): one parser for DMARC and for the check that a submission's
//! author belongs to its sender.

use super::address::MAX_ADDRESSES;
use super::{AddrSpec, Address, Mailbox, addresses, fields};

/// Every address that a reader could take for an author: those in all From fields, and other text there
/// that looks like an address. Addresses without a domain count only if there are no others: `From: Doe,
/// John <john@example.test>` has one author. A list that is too long ends with an empty address.
#[must_use]
pub fn authors(section: &[u8]) -> Vec<AddrSpec> {
    let mut found = Vec::new();
    let mut whole = true;
    for field in fields(section).filter(|field| field.is("From")) {
        let list = addresses(field.value);
        whole &= is_whole(&list);
        for mailbox in mailboxes(list) {
            found.push(AddrSpec {
                local: mailbox.local,
                domain: mailbox.domain,
            });
            found.extend(mailbox.others);
        }
    }
    if found.iter().any(|author| !author.domain.is_empty()) {
        found.retain(|author| !author.domain.is_empty());
    }
    if !whole {
        found.push(AddrSpec::default());
    }
    found
}

/// The reason why the author cannot be determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorError {
    /// There is no From field.
    Missing,
    /// There is more than one.
    Repeated,
    /// No author has a domain.
    NoDomain,
    /// An author's address contains comments, quotes or white space, or the list is too long: readers may
    /// see different authors.
    Unclear,
}

/// The domains of all [`authors`], as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthorDomains {
    /// Those of the addresses; at least one.
    pub addresses: Vec<Vec<u8>>,
    /// Those of other text that looks like an address: `a@shown.test <a@example.test>`.
    pub shown: Vec<Vec<u8>>,
}

/// The domains of all [`authors`].
///
/// # Errors
///
/// If readers may see another author: see [`AuthorError`].
pub fn author_domains(section: &[u8]) -> Result<AuthorDomains, AuthorError> {
    let mut from = fields(section).filter(|field| field.is("From"));
    let field = match (from.next(), from.next()) {
        (Some(field), None) => field,
        (None, _) => return Err(AuthorError::Missing),
        (Some(_), Some(_)) => return Err(AuthorError::Repeated),
    };
    let list = addresses(field.value);
    let mut clear = is_whole(&list);
    let mut domains = AuthorDomains::default();
    for mailbox in mailboxes(list).filter(|mailbox| !mailbox.domain.is_empty()) {
        clear &= !mailbox.irregular;
        domains.addresses.push(mailbox.domain);
        let shown = mailbox.others.into_iter().map(|other| other.domain);
        domains.shown.extend(shown);
    }
    match domains.addresses.is_empty() {
        true => Err(AuthorError::NoDomain),
        false if clear => Ok(domains),
        false => Err(AuthorError::Unclear),
    }
}

fn mailboxes(list: Vec<Address>) -> impl Iterator<Item = Mailbox> {
    list.into_iter().filter_map(|address| match address {
        Address::Mailbox(mailbox) => Some(mailbox),
        Address::GroupStart(_) | Address::GroupEnd => None,
    })
}

/// Whether the list was parsed completely.
fn is_whole(list: &[Address]) -> bool {
    let others = list.iter().map(|address| match address {
        Address::Mailbox(mailbox) => mailbox.others.len(),
        Address::GroupStart(_) | Address::GroupEnd => 0,
    });
    list.len() + others.sum::<usize>() < MAX_ADDRESSES
}
