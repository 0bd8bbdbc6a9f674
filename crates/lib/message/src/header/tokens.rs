//! The lexical tokens of structured fields (RFC 5322 §3.2, RFC 2045 §5.1), read leniently: 8-bit
//! octets belong to atoms, an unclosed quoted string or comment ends with the value.

/// One token. What stands between tokens as white space is told by [`Tokens::next_spaced`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A run of octets that are neither white space, special nor quoted. Dots belong to it.
    Atom(&'a [u8]),
    /// A quoted string's content, its quoting taken away.
    Quoted(Vec<u8>),
    /// A comment's content.
    Comment(Vec<u8>),
    /// A domain literal with its brackets.
    Literal(&'a [u8]),
    /// One of the specials.
    Special(u8),
}

/// Reads tokens off a raw field value.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'a> {
    rest: &'a [u8],
    specials: &'static [u8],
}

const ADDRESS_SPECIALS: &[u8] = b"<>@,;:";
const MIME_SPECIALS: &[u8] = b"/;=,";

impl<'a> Tokens<'a> {
    /// Tokens of an address list.
    pub(crate) fn of_addresses(value: &'a [u8]) -> Self {
        Self {
            rest: value,
            specials: ADDRESS_SPECIALS,
        }
    }

    /// Tokens of a MIME field. Square brackets are ordinary: real mail has them in file names.
    pub(crate) fn of_mime(value: &'a [u8]) -> Self {
        Self {
            rest: value,
            specials: MIME_SPECIALS,
        }
    }

    /// The next token, and whether white space or folding stood before it.
    pub(crate) fn next_spaced(&mut self) -> Option<(bool, Token<'a>)> {
        let before = self.rest.len();
        while let [b' ' | b'\t' | b'\r' | b'\n' | 0, rest @ ..] = self.rest {
            self.rest = rest;
        }
        let spaced = self.rest.len() != before;
        let first = *self.rest.first()?;
        let token = match first {
            b'"' => Token::Quoted(self.quoted()),
            b'(' => Token::Comment(self.comment()),
            b'[' if self.specials == ADDRESS_SPECIALS => Token::Literal(self.literal()),
            byte if self.specials.contains(&byte) => {
                self.rest = &self.rest[1..];
                Token::Special(byte)
            }
            _ => Token::Atom(self.atom()),
        };
        Some((spaced, token))
    }

    /// The rest of the value up to, without, `;`: for parameter values that broke the rules.
    pub(crate) fn take_until_semicolon(&mut self) -> &'a [u8] {
        let end = memchr::memchr(b';', self.rest).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Leaves out the comments that stand next, and tells whether there was one.
    pub(crate) fn skip_comments(&mut self) -> bool {
        let mut any = false;
        let mut ahead = self.clone();
        while let Some((_, Token::Comment(_))) = ahead.next_spaced() {
            *self = ahead.clone();
            any = true;
        }
        any
    }

    /// What no token has been read of yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn atom(&mut self) -> &'a [u8] {
        let end = self
            .rest
            .iter()
            .position(|&byte| {
                matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | b'"' | b'(')
                    || self.specials.contains(&byte)
            })
            .unwrap_or(self.rest.len())
            // What no rule names is an atom of one octet: a token always moves on.
            .max(1);
        let (atom, rest) = self.rest.split_at(end);
        self.rest = rest;
        atom
    }

    fn literal(&mut self) -> &'a [u8] {
        // One that is never closed is just a bracket.
        let end = memchr::memchr(b']', self.rest).map_or(1, |at| at + 1);
        let (literal, rest) = self.rest.split_at(end);
        self.rest = rest;
        literal
    }

    fn quoted(&mut self) -> Vec<u8> {
        let mut content = Vec::new();
        let mut at = 1;
        while let Some(&byte) = self.rest.get(at) {
            at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    if let Some(&escaped) = self.rest.get(at) {
                        content.push(escaped);
                        at += 1;
                    }
                }
                b'\r' | b'\n' | 0 => {}
                _ => content.push(byte),
            }
        }
        self.rest = &self.rest[at.min(self.rest.len())..];
        content
    }

    fn comment(&mut self) -> Vec<u8> {
        let mut content = Vec::new();
        let mut depth = 1_u32;
        let mut at = 1;
        while let Some(&byte) = self.rest.get(at) {
            at += 1;
            match byte {
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                b'\\' => {
                    if let Some(&escaped) = self.rest.get(at) {
                        content.push(escaped);
                        at += 1;
                    }
                    continue;
                }
                b'\r' | b'\n' | 0 => continue,
                _ => {}
            }
            content.push(byte);
        }
        self.rest = &self.rest[at.min(self.rest.len())..];
        content
    }
}
