//! Address lists (RFC 5322 §3.4 with the obsolete forms of §4.4). ENVELOPE, DMARC, the check of a
//! submission's authors and `sendmail -t` all use this parser, so that they always agree.
//!
//! Real mail breaks the syntax: an unquoted address before an angle address, two addresses without a comma,
//! missing brackets. Such an element is read as one mailbox: the first address in angle brackets, otherwise
//! the first address. Two domains are never joined. Other possible addresses in the element are in
//! [`Mailbox::others`].

mod element;
mod spec;

#[cfg(test)]
mod tests;

use super::{Token, Tokens};
use element::Element;

/// One element of an address list in ENVELOPE's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A mailbox, in a group or not.
    Mailbox(Mailbox),
    /// The start of a group.
    GroupStart(Vec<u8>),
    /// The end of a group.
    GroupEnd,
}

/// A mailbox with its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// Display name, unquoted, encoded words kept.
    pub name: Option<Vec<u8>>,
    /// Source route (`@a,@b`) of obsolete mail.
    pub route: Option<Vec<u8>>,
    /// Local part, unquoted.
    pub local: Vec<u8>,
    /// Domain; empty if the address has none.
    pub domain: Vec<u8>,
    /// Other addresses in this element outside quoted strings and comments. An address equal to the
    /// mailbox, or with a domain without a dot (`root@localhost <root@example.test>`), is not included.
    pub others: Vec<AddrSpec>,
    /// Whether there are white space, comments or quotes inside the address (RFC 5322 §4.4), so that
    /// readers differ about its extent.
    pub irregular: bool,
}

/// An address without a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddrSpec {
    /// Local part, unquoted.
    pub local: Vec<u8>,
    /// Domain.
    pub domain: Vec<u8>,
}

/// Maximum number of addresses and group ends in one list; more are ignored. A header section cannot
/// contain more ordinary addresses, but can contain more of `:;`.
pub(super) const MAX_ADDRESSES: usize = 2_000;

/// Parses an address list in a raw field value.
#[must_use]
pub fn addresses(value: &[u8]) -> Vec<Address> {
    read(value, MAX_ADDRESSES)
}

/// The first of [`addresses`]; stops there.
#[must_use]
pub fn first_address(value: &[u8]) -> Option<Address> {
    read(value, 1).into_iter().next()
}

fn read(value: &[u8], most: usize) -> Vec<Address> {
    let mut list = List::default();
    let mut tokens = Tokens::of_addresses(value);
    while let Some((spaced, token)) = tokens.next_spaced() {
        if list.size >= most {
            return list.found;
        }
        match token {
            Token::Special(b',') if !list.element.in_route() => list.finish_element(),
            Token::Special(b';') => {
                list.finish_element();
                list.finish_group();
            }
            Token::Special(b':') if !list.in_group && list.element.is_phrase() => {
                list.start_group();
            }
            token => list.element.push(spaced, token),
        }
    }
    list.finish_element();
    list.finish_group();
    list.found
}

#[derive(Debug, Default)]
struct List<'a> {
    found: Vec<Address>,
    /// The number of elements, and of other addresses in them.
    size: usize,
    element: Element<'a>,
    in_group: bool,
}

impl List<'_> {
    fn finish_element(&mut self) {
        if let Some(mailbox) = self.element.finish() {
            self.size += 1 + mailbox.others.len();
            self.found.push(Address::Mailbox(mailbox));
        }
    }

    fn start_group(&mut self) {
        self.size += 1;
        self.found
            .push(Address::GroupStart(self.element.finish_phrase()));
        self.in_group = true;
    }

    fn finish_group(&mut self) {
        if std::mem::take(&mut self.in_group) {
            self.found.push(Address::GroupEnd);
        }
    }
}
