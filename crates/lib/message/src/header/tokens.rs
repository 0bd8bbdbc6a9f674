//! The lexical tokens of structured fields (RFC 5322 §3.2, RFC 2045 §5.1), parsed leniently: 8-bit octets
//! belong to atoms. In addresses an unclosed quote or bracket is an ordinary octet; in MIME fields the
//! quoted string or comment ends with the value.

/// One token. [`Tokens::next_spaced`] reports white space between tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A run of octets that are neither white space, special nor quoted; includes dots.
    Atom(&'a [u8]),
    /// The unquoted content of a quoted string.
    Quoted(Vec<u8>),
    /// A comment's content.
    Comment(Vec<u8>),
    /// A domain literal with its brackets.
    Literal(&'a [u8]),
    /// One of the specials.
    Special(u8),
}

/// Parses tokens of a raw field value.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'a> {
    rest: &'a [u8],
    specials: &'static [u8],
    /// A quote is unclosed, and so are all later ones.
    unclosed_quote: bool,
    /// The same for brackets.
    unclosed_comment: bool,
    /// The rest of the value from the first unclosed quote or bracket of a MIME field.
    unclosed: Option<&'a [u8]>,
}

const ADDRESS_SPECIALS: &[u8] = b"<>@,;:";
const MIME_SPECIALS: &[u8] = b"/;=,";

impl<'a> Tokens<'a> {
    /// Tokens of an address list.
    pub(crate) fn of_addresses(value: &'a [u8]) -> Self {
        Self {
            rest: value,
            specials: ADDRESS_SPECIALS,
            unclosed_quote: false,
            unclosed_comment: false,
            unclosed: None,
        }
    }

    /// Tokens of a MIME field. Square brackets are ordinary: they occur in file names.
    pub(crate) fn of_mime(value: &'a [u8]) -> Self {
        Self {
            rest: value,
            specials: MIME_SPECIALS,
            unclosed_quote: false,
            unclosed_comment: false,
            unclosed: None,
        }
    }

    /// The next token, and whether white space or folding precedes it.
    pub(crate) fn next_spaced(&mut self) -> Option<(bool, Token<'a>)> {
        let before = self.rest.len();
        while let [b' ' | b'\t' | b'\r' | b'\n' | 0, rest @ ..] = self.rest {
            self.rest = rest;
        }
        let spaced = self.rest.len() != before;
        let first = *self.rest.first()?;
        let token = match first {
            b'"' => self.quoted(),
            b'(' => self.comment(),
            b'[' if self.specials == ADDRESS_SPECIALS => Token::Literal(self.literal()),
            byte if self.specials.contains(&byte) => {
                self.rest = &self.rest[1..];
                Token::Special(byte)
            }
            _ => Token::Atom(self.atom()),
        };
        Some((spaced, token))
    }

    /// The rest of the value up to `;`, for invalid parameter values.
    pub(crate) fn take_until_semicolon(&mut self) -> &'a [u8] {
        let end = memchr::memchr(b';', self.rest).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Skips comments; returns whether there was one.
    pub(crate) fn skip_comments(&mut self) -> bool {
        let mut any = false;
        let mut ahead = self.clone();
        while let Some((_, Token::Comment(_))) = ahead.next_spaced() {
            *self = ahead.clone();
            any = true;
        }
        any
    }

    /// The unparsed rest.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The value from the first unclosed quote or bracket: for some readers it is an ordinary octet.
    pub(crate) fn unclosed(&self) -> Option<&'a [u8]> {
        self.unclosed
    }

    fn note_unclosed(&mut self, closed: bool) {
        if !closed {
            self.unclosed.get_or_insert(self.rest);
        }
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
            // Other octets are atoms of one octet, so that a token always makes progress.
            .max(1);
        let (atom, rest) = self.rest.split_at(end);
        self.rest = rest;
        atom
    }

    fn literal(&mut self) -> &'a [u8] {
        // An unclosed one is just a bracket.
        let end = memchr::memchr(b']', self.rest).map_or(1, |at| at + 1);
        let (literal, rest) = self.rest.split_at(end);
        self.rest = rest;
        literal
    }

    fn quoted(&mut self) -> Token<'a> {
        if !self.unclosed_quote {
            let quoted = quoted(self.rest);
            if quoted.closed || self.specials != ADDRESS_SPECIALS {
                self.note_unclosed(quoted.closed);
                self.rest = &self.rest[quoted.length..];
                return Token::Quoted(quoted.content);
            }
            self.unclosed_quote = true;
        }
        Token::Atom(self.atom())
    }

    fn comment(&mut self) -> Token<'a> {
        if !self.unclosed_comment {
            let comment = comment(self.rest);
            if comment.closed || self.specials != ADDRESS_SPECIALS {
                self.note_unclosed(comment.closed);
                self.rest = &self.rest[comment.length..];
                return Token::Comment(comment.content);
            }
            self.unclosed_comment = true;
        }
        Token::Atom(self.atom())
    }
}

/// Text between quotes or brackets.
struct Enclosed {
    content: Vec<u8>,
    /// Its length with the delimiters.
    length: usize,
    closed: bool,
}

fn quoted(text: &[u8]) -> Enclosed {
    let mut content = Vec::new();
    let mut closed = false;
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => {
                closed = true;
                break;
            }
            b'\\' => {
                if let Some(&escaped) = text.get(at) {
                    content.push(escaped);
                    at += 1;
                }
            }
            b'\r' | b'\n' | 0 => {}
            _ => content.push(byte),
        }
    }
    Enclosed {
        content,
        length: at.min(text.len()),
        closed,
    }
}

fn comment(text: &[u8]) -> Enclosed {
    let mut content = Vec::new();
    let mut depth = 1_u32;
    let mut at = 1;
    while depth > 0
        && let Some(&byte) = text.get(at)
    {
        at += 1;
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'\\' => {
                if let Some(&escaped) = text.get(at) {
                    content.push(escaped);
                    at += 1;
                }
                continue;
            }
            b'\r' | b'\n' | 0 => continue,
            _ => {}
        }
        if depth > 0 {
            content.push(byte);
        }
    }
    Enclosed {
        content,
        length: at.min(text.len()),
        closed: depth == 0,
    }
}
