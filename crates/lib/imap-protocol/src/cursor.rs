//! Parser of one complete command: its lines with the literals between them.

use bytes::Bytes;

use crate::error::{CommandError, Result};
use crate::{Flags, Keyword, MailboxName, SequenceSet, SystemFlags};

/// `ATOM-CHAR`.
pub(crate) fn is_atom_char(octet: u8) -> bool {
    matches!(octet, 0x21..=0x7e)
        && !matches!(
            octet,
            b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']'
        )
}

/// `ASTRING-CHAR`.
pub(crate) fn is_astring_char(octet: u8) -> bool {
    octet == b']' || is_atom_char(octet)
}

/// `list-char`, of a LIST pattern.
pub(crate) fn is_list_char(octet: u8) -> bool {
    matches!(octet, b'%' | b'*') || is_astring_char(octet)
}

/// A position in a command. Holds the whole command without its last line break.
pub(crate) struct Cursor {
    bytes: Bytes,
    at: usize,
}

impl Cursor {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { bytes, at: 0 }
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The position, for [`Self::back_to`].
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn back_to(&mut self, position: usize) {
        self.at = position;
    }

    pub(crate) fn eat(&mut self, octet: u8) -> bool {
        let there = self.peek() == Some(octet);
        self.at += usize::from(there);
        there
    }

    pub(crate) fn expect(&mut self, octet: u8, name: &'static str) -> Result<()> {
        if self.eat(octet) {
            Ok(())
        } else {
            Err(CommandError::Expected(name))
        }
    }

    pub(crate) fn space(&mut self) -> Result<()> {
        self.expect(b' ', "a space")
    }

    /// The end of the command. Spaces before it are accepted.
    pub(crate) fn end(&mut self) -> Result<()> {
        while self.eat(b' ') {}
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(CommandError::Expected("the end of the command"))
        }
    }

    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> Bytes {
        let rest = self.rest();
        let length = rest
            .iter()
            .position(|&octet| !wanted(octet))
            .unwrap_or(rest.len());
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Bytes {
        let end = (self.at + length).min(self.bytes.len());
        let taken = self.bytes.slice(self.at..end);
        self.at = end;
        taken
    }

    fn one_or_more(&mut self, wanted: impl Fn(u8) -> bool, name: &'static str) -> Result<Bytes> {
        let taken = self.take_while(wanted);
        if taken.is_empty() {
            Err(CommandError::Expected(name))
        } else {
            Ok(taken)
        }
    }

    pub(crate) fn atom(&mut self, name: &'static str) -> Result<Bytes> {
        self.one_or_more(is_atom_char, name)
    }

    /// Consumes this word (in any case) if it is the next atom.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let start = self.at;
        if self
            .take_while(is_atom_char)
            .eq_ignore_ascii_case(word.as_bytes())
        {
            return true;
        }
        self.at = start;
        false
    }

    pub(crate) fn number64(&mut self) -> Result<u64> {
        let digits = self.one_or_more(|octet| octet.is_ascii_digit(), "a number")?;
        parse_digits(&digits).ok_or(CommandError::Expected("a smaller number"))
    }

    pub(crate) fn number(&mut self) -> Result<u32> {
        u32::try_from(self.number64()?).map_err(|_| CommandError::Expected("a smaller number"))
    }

    /// `string = quoted / literal`.
    pub(crate) fn string(&mut self) -> Result<Bytes> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal(false),
            Some(b'~') => {
                self.at += 1;
                self.literal(true)
            }
            _ => Err(CommandError::Expected("a string")),
        }
    }

    pub(crate) fn astring(&mut self) -> Result<Bytes> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => self.one_or_more(is_astring_char, "a string"),
        }
    }

    /// `nstring = string / nil`.
    pub(crate) fn nstring(&mut self) -> Result<Option<Bytes>> {
        if self.eat_word("NIL") {
            Ok(None)
        } else {
            self.string().map(Some)
        }
    }

    /// An astring that must be UTF-8.
    pub(crate) fn text(&mut self) -> Result<String> {
        String::from_utf8(self.astring()?.to_vec()).map_err(|_| CommandError::Expected("UTF-8"))
    }

    fn quoted(&mut self) -> Result<Bytes> {
        self.expect(b'"', "a quoted string")?;
        let plain = self.take_while(is_quoted_char);
        if self.eat(b'"') {
            return Ok(plain);
        }
        let mut unescaped = plain.to_vec();
        loop {
            if self.eat(b'"') {
                return Ok(unescaped.into());
            }
            self.expect(b'\\', "the end of the quoted string")?;
            match self.peek() {
                Some(octet @ (b'"' | b'\\')) => unescaped.push(octet),
                _ => return Err(CommandError::Expected("a quoted special")),
            }
            self.at += 1;
            unescaped.extend_from_slice(&self.take_while(is_quoted_char));
        }
    }

    /// The reader has checked that the literal is complete.
    fn literal(&mut self, binary: bool) -> Result<Bytes> {
        self.expect(b'{', "a literal")?;
        let size = self.number64()?;
        let _ = self.eat(b'+') || self.eat(b'-');
        self.expect(b'}', "the end of the literal's size")?;
        let _ = self.eat(b'\r');
        self.expect(b'\n', "a line break")?;
        let size = usize::try_from(size).map_err(|_| CommandError::LiteralTooLarge)?;
        let octets = self.take(size);
        if octets.len() != size {
            return Err(CommandError::Expected("the whole literal"));
        }
        if !binary && memchr::memchr(0, &octets).is_some() {
            return Err(CommandError::Expected("no NUL in a literal"));
        }
        Ok(octets)
    }

    pub(crate) fn mailbox(&mut self) -> Result<MailboxName> {
        let octets = self.astring()?;
        MailboxName::from_wire(&octets).ok_or(CommandError::Expected("a mailbox name"))
    }

    pub(crate) fn sequence_set(&mut self) -> Result<SequenceSet> {
        let octets = self.take_while(|octet| {
            octet.is_ascii_digit() || matches!(octet, b':' | b'*' | b',' | b'$')
        });
        SequenceSet::parse(&octets).ok_or(CommandError::Expected("a sequence set"))
    }

    /// `"(" [item *(SP item)] ")"`.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.expect(b'(', "a parenthesized list")?;
        let mut items = Vec::new();
        if self.eat(b')') {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(b')') {
                return Ok(items);
            }
            self.space()?;
        }
    }

    /// `flag-list`.
    pub(crate) fn flag_list(&mut self) -> Result<Flags> {
        let mut flags = Flags::default();
        self.list(|cursor| cursor.flag(&mut flags))?;
        Ok(flags)
    }

    /// One flag, added to the previous ones.
    pub(crate) fn flag(&mut self, flags: &mut Flags) -> Result<()> {
        const EXPECTED: CommandError = CommandError::Expected("a flag");
        if self.eat(b'\\') {
            let name = self.atom("a flag")?;
            flags.system |= SystemFlags::named(&name).ok_or(EXPECTED)?;
        } else {
            let keyword = Keyword::new(&self.atom("a flag")?).ok_or(EXPECTED)?;
            if !flags.insert(keyword) {
                return Err(CommandError::Expected("fewer keywords"));
            }
        }
        Ok(())
    }
}

fn is_quoted_char(octet: u8) -> bool {
    !matches!(octet, b'"' | b'\\' | b'\r' | b'\n' | 0)
}

/// A decimal number; `None` if it is too large.
pub(crate) fn parse_digits(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}
