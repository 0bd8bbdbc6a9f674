//! Address lists (RFC 5322 §3.4 with the obsolete forms of §4.4), as ENVELOPE wants them: names
//! and mailboxes raw, groups marked.

use super::{Token, Tokens};

/// One element of an address list in ENVELOPE's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A mailbox, in a group or not.
    Mailbox(Mailbox),
    /// A group begins.
    GroupStart(Vec<u8>),
    /// It ends.
    GroupEnd,
}

/// A mailbox with what stands around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// Display name, quoting taken away, encoded words kept.
    pub name: Option<Vec<u8>>,
    /// Source route (`@a,@b`), as obsolete mail has it.
    pub route: Option<Vec<u8>>,
    /// Local part, quoting taken away.
    pub local: Vec<u8>,
    /// Domain; empty when the address has none.
    pub domain: Vec<u8>,
}

/// Elements of one list; more are passed over. A header of the usual addresses has no room for
/// more, but one of `:;` has.
const MAX_ADDRESSES: usize = 2_000;

/// Reads an address list off a raw field value.
#[must_use]
pub fn addresses(value: &[u8]) -> Vec<Address> {
    let mut parser = Parser::default();
    let mut tokens = Tokens::of_addresses(value);
    while let Some((spaced, token)) = tokens.next_spaced() {
        if parser.found.len() >= MAX_ADDRESSES {
            break;
        }
        match token {
            Token::Comment(text) => parser.comment = Some(text),
            Token::Atom(text) | Token::Literal(text) => parser.word(spaced, text),
            Token::Quoted(text) => parser.word(spaced, &text),
            Token::Special(special) => parser.special(special),
        }
    }
    parser.finish_address();
    parser.finish_group();
    parser.found
}

/// Where in an address the parser stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Name or local part: which of the two is not known yet.
    #[default]
    Words,
    /// Behind the `@` of an address without angle brackets.
    BareDomain,
    /// Behind `<`: route or local part.
    Angle,
    /// Behind `<@`.
    Route,
    /// Behind the `@` in angle brackets.
    AngleDomain,
    /// Behind `>`.
    Done,
}

#[derive(Debug, Default)]
struct Parser {
    found: Vec<Address>,
    place: Place,
    /// Words before `<`, `@`, `:`, joined by single blanks where white space stood.
    phrase: Vec<u8>,
    /// The same joined without: white space around the dots of a local part means nothing.
    joined: Vec<u8>,
    mailbox: Mailbox,
    has_mailbox: bool,
    comment: Option<Vec<u8>>,
    in_group: bool,
}

impl Parser {
    fn word(&mut self, spaced: bool, text: &[u8]) {
        match self.place {
            Place::Words => {
                if spaced && !self.phrase.is_empty() {
                    self.phrase.push(b' ');
                }
                self.phrase.extend_from_slice(text);
                self.joined.extend_from_slice(text);
                self.has_mailbox = true;
            }
            Place::Angle => self.mailbox.local.extend_from_slice(text),
            Place::BareDomain | Place::AngleDomain => self.mailbox.domain.extend_from_slice(text),
            Place::Route => self
                .mailbox
                .route
                .get_or_insert_default()
                .extend_from_slice(text),
            Place::Done => {}
        }
    }

    fn special(&mut self, special: u8) {
        match (special, self.place) {
            (b'<', Place::Words) => {
                let name = std::mem::take(&mut self.phrase);
                self.mailbox.name = Some(name).filter(|name| !name.is_empty());
                self.has_mailbox = true;
                self.place = Place::Angle;
            }
            (b'@', Place::Words) => {
                self.mailbox.local = std::mem::take(&mut self.joined);
                self.phrase.clear();
                self.has_mailbox = true;
                self.place = Place::BareDomain;
            }
            (b'@', Place::Angle) if self.mailbox.local.is_empty() => {
                self.mailbox.route = Some(vec![b'@']);
                self.place = Place::Route;
            }
            (b'@', Place::Angle) => self.place = Place::AngleDomain,
            (b'@' | b',', Place::Route) => self.mailbox.route.get_or_insert_default().push(special),
            (b':', Place::Route) => self.place = Place::Angle,
            (b'>', Place::Angle | Place::Route | Place::AngleDomain) => self.place = Place::Done,
            (b':', Place::Words) if !self.in_group => {
                let name = std::mem::take(&mut self.phrase);
                self.reset();
                self.found.push(Address::GroupStart(name));
                self.in_group = true;
            }
            (b',', _) => self.finish_address(),
            (b';', _) => {
                self.finish_address();
                self.finish_group();
            }
            _ => {}
        }
    }

    fn finish_address(&mut self) {
        let mut mailbox = std::mem::take(&mut self.mailbox);
        if self.place == Place::Words {
            // Words and no `@`: a local part alone, as some senders write it.
            mailbox.local = std::mem::take(&mut self.phrase);
        }
        // `bob@example.test (Bob)`: the comment is where old mail has the name.
        mailbox.name = mailbox
            .name
            .or_else(|| self.comment.take().filter(|text| !text.is_empty()));
        if self.has_mailbox {
            self.found.push(Address::Mailbox(mailbox));
        }
        self.reset();
    }

    fn reset(&mut self) {
        self.place = Place::Words;
        self.mailbox = Mailbox::default();
        self.phrase.clear();
        self.joined.clear();
        self.comment = None;
        self.has_mailbox = false;
    }

    fn finish_group(&mut self) {
        if std::mem::take(&mut self.in_group) {
            self.found.push(Address::GroupEnd);
        }
    }
}
