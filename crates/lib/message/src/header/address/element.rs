//! One element of an address list: a mailbox with its name, in any spelling.

use super::spec::{Spec, bare, bracketed};
use super::{AddrSpec, Mailbox};
use crate::header::Token;

/// A token other than a comment.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// Whether white space precedes it.
    spaced: bool,
    /// Whether white space or a comment precedes it.
    pub(super) gap: bool,
    pub(super) token: Token<'a>,
}

impl Piece<'_> {
    pub(super) fn is(&self, special: u8) -> bool {
        self.token == Token::Special(special)
    }

    /// Its text, unless it is a special.
    pub(super) fn word(&self) -> Option<&[u8]> {
        match &self.token {
            Token::Atom(text) | Token::Literal(text) => Some(text),
            Token::Quoted(text) => Some(text),
            Token::Comment(_) | Token::Special(_) => None,
        }
    }

    /// Whether a dot joins it to `next`, possibly over white space (RFC 5322 §4.4).
    pub(super) fn is_dotted_to(&self, next: &Self) -> bool {
        let starts = |piece: &Self| matches!(piece.token, Token::Atom([b'.', ..]));
        let ends = |piece: &Self| matches!(piece.token, Token::Atom([.., b'.']));
        ends(self) || starts(next)
    }
}

/// The tokens between two commas.
#[derive(Debug, Default)]
pub(super) struct Element<'a> {
    pieces: Vec<Piece<'a>>,
    /// The last comment: the name in old mail, as in `bob@example.test (Bob)`.
    comment: Option<Vec<u8>>,
    after_comment: bool,
    /// Whether there is a special.
    specials: bool,
    in_route: bool,
}

impl<'a> Element<'a> {
    pub(super) fn push(&mut self, spaced: bool, token: Token<'a>) {
        if let Token::Comment(text) = token {
            self.comment = Some(text);
            self.after_comment = true;
            return;
        }
        if let Token::Special(special) = token {
            self.specials = true;
            self.in_route = match special {
                b'@' => self.in_route || self.pieces.last().is_some_and(|last| last.is(b'<')),
                b':' | b'<' | b'>' => false,
                _ => self.in_route,
            };
        }
        let gap = spaced || std::mem::take(&mut self.after_comment);
        self.pieces.push(Piece { spaced, gap, token });
    }

    /// Whether there are only words, which a colon makes a group's name.
    pub(super) fn is_phrase(&self) -> bool {
        !self.specials
    }

    /// Whether a comma belongs to a source route (`<@a,@b:c@d>`).
    pub(super) fn in_route(&self) -> bool {
        self.in_route
    }

    /// Returns the words, and starts an empty element.
    pub(super) fn finish_phrase(&mut self) -> Vec<u8> {
        let phrase = phrase(&self.pieces);
        self.clear();
        phrase
    }

    /// Returns the mailbox, unless there are only comments, and starts an empty element.
    pub(super) fn finish(&mut self) -> Option<Mailbox> {
        let mailbox = (!self.pieces.is_empty()).then(|| self.mailbox());
        self.clear();
        mailbox
    }

    fn clear(&mut self) {
        self.pieces.clear();
        self.comment = None;
        self.after_comment = false;
        self.specials = false;
        self.in_route = false;
    }

    fn mailbox(&mut self) -> Mailbox {
        let mut specs = self.specs();
        let comment = self.comment.take().filter(|text| !text.is_empty());
        let Some(chosen) = choice(&specs) else {
            // Words without `@`: only a local part, as some senders write it.
            return Mailbox {
                name: comment,
                local: phrase(&self.pieces),
                ..Mailbox::default()
            };
        };
        let chosen = specs.remove(chosen);
        let name = phrase(&self.pieces[..chosen.start]);
        let others = specs
            .into_iter()
            // In `a@b@c` the end of the address is ambiguous.
            .filter(|other| {
                (chosen.start..chosen.end).contains(&other.start) || other.address.is_plausible()
            })
            .map(|other| other.address)
            .filter(|other| !other.is_same(&chosen.address))
            .collect();
        Mailbox {
            name: Some(name).filter(|name| !name.is_empty()).or(comment),
            route: chosen.route,
            local: chosen.address.local,
            domain: chosen.address.domain,
            others,
            irregular: chosen.irregular,
        }
    }

    /// All addresses and angle brackets in it.
    fn specs(&self) -> Vec<Spec> {
        let mut specs = Vec::new();
        let mut at = 0;
        let words = self
            .pieces
            .iter()
            .take_while(|piece| piece.word().is_some());
        let first_special = words.count();
        while let Some(piece) = self.pieces.get(at) {
            let spec = if piece.is(b'<') {
                bracketed(&self.pieces, at)
            } else if piece.is(b'@') {
                Some(bare(&self.pieces, at, at == first_special))
            } else {
                None
            };
            at = spec.as_ref().map_or(at + 1, |spec| spec.end);
            specs.extend(spec);
        }
        specs
    }
}

/// The first address in angle brackets, otherwise other text in them, otherwise the first address.
fn choice(specs: &[Spec]) -> Option<usize> {
    let whole = |spec: &Spec| spec.in_brackets && !spec.address.domain.is_empty();
    specs
        .iter()
        .position(whole)
        .or_else(|| specs.iter().position(|spec| spec.in_brackets))
        .or_else(|| (!specs.is_empty()).then_some(0))
}

/// The text of a display name, with single blanks for white space.
fn phrase(pieces: &[Piece<'_>]) -> Vec<u8> {
    let mut text = Vec::new();
    for piece in pieces {
        if piece.spaced && !text.is_empty() {
            text.push(b' ');
        }
        match &piece.token {
            Token::Special(b'<' | b'>') | Token::Comment(_) => {}
            Token::Special(special) => text.push(*special),
            // An unclosed quote.
            Token::Atom([b'"', word @ ..]) => text.extend_from_slice(word),
            Token::Atom(word) | Token::Literal(word) => text.extend_from_slice(word),
            Token::Quoted(word) => text.extend_from_slice(word),
        }
    }
    text.truncate(text.trim_ascii_end().len());
    text
}

impl AddrSpec {
    /// Whether a reader could take it for an address at another domain: `Tim @ work` and `root@localhost`
    /// are part of a name.
    /// `root@localhost` are part of a name.
    fn is_plausible(&self) -> bool {
        let domain = self.domain.trim_ascii_end();
        let domain = domain.strip_suffix(b".").unwrap_or(domain);
        domain.starts_with(b"[") || domain.contains(&b'.')
    }

    fn is_same(&self, other: &Self) -> bool {
        let domain = |spec: &'_ Self| {
            let domain = &spec.domain;
            domain
                .strip_suffix(b".")
                .unwrap_or(domain)
                .to_ascii_lowercase()
        };
        self.local.eq_ignore_ascii_case(&other.local) && domain(self) == domain(other)
    }
}
