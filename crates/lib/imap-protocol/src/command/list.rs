//! LIST, extended (RFC 5258, RFC 5819, RFC 6154 §2) and basic, and LSUB.

use bytes::{BufMut, BytesMut};

use super::StatusItem;
use super::put_mailbox;
use super::status::put_items;
use crate::cursor::{Cursor, is_list_char};
use crate::error::{CommandError, Result};
use crate::wire::{Side, put_string};
use crate::{ListPattern, MailboxName};

/// `list-select-opts`: the mailboxes to select.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListSelection {
    /// Subscribed mailboxes.
    pub subscribed: bool,
    /// Also mailboxes on other servers; there are none.
    pub remote: bool,
    /// Also parents of matching mailboxes.
    pub recursive_match: bool,
    /// Mailboxes with a special use.
    pub special_use: bool,
}

/// `list-return-opts`: the data to return.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListReturn {
    /// Whether they are subscribed.
    pub subscribed: bool,
    /// Whether they have children.
    pub children: bool,
    /// Their special use.
    pub special_use: bool,
    /// Their STATUS.
    pub status: Option<Vec<StatusItem>>,
}

/// The command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The selected mailboxes.
    pub selection: ListSelection,
    /// The reference before each pattern.
    pub reference: MailboxName,
    /// The name patterns.
    pub patterns: Vec<ListPattern>,
    /// The data to return.
    pub returns: ListReturn,
    /// The command uses the extended syntax, in which the empty pattern has no special meaning.
    pub extended: bool,
}

/// RFC 3501 §6.3.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lsub {
    /// The reference before the pattern.
    pub reference: MailboxName,
    /// The name pattern.
    pub pattern: ListPattern,
}

const MOST_PATTERNS: usize = 100;

/// Maximum octets of all patterns with their reference: each may be compared with each mailbox.
const LONGEST_PATTERNS: usize = 4 * 1024;

impl List {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        cursor.space()?;
        let mut extended = false;
        let mut selection = ListSelection::default();
        if cursor.peek() == Some(b'(') {
            extended = true;
            selection = ListSelection::parse(cursor)?;
            cursor.space()?;
        }
        let reference = cursor.mailbox()?;
        cursor.space()?;
        let patterns = if cursor.peek() == Some(b'(') {
            extended = true;
            cursor.list(pattern)?
        } else {
            vec![pattern(cursor)?]
        };
        if patterns.is_empty() || patterns.len() > MOST_PATTERNS {
            return Err(CommandError::Expected("a pattern"));
        }
        let before = reference.as_str().len();
        let octets: usize = patterns
            .iter()
            .map(|pattern: &ListPattern| before + pattern.len())
            .sum();
        if octets > LONGEST_PATTERNS {
            return Err(CommandError::Expected("shorter patterns"));
        }
        let mut returns = ListReturn::default();
        if cursor.eat(b' ') {
            if !cursor.eat_word("RETURN") {
                return Err(CommandError::Expected("RETURN"));
            }
            extended = true;
            cursor.space()?;
            returns = ListReturn::parse(cursor)?;
        }
        Ok(Self {
            selection,
            reference,
            patterns,
            returns,
            extended,
        })
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.put_slice(b"LIST ");
        if self.extended {
            self.selection.write(out);
            out.put_u8(b' ');
        }
        put_mailbox(out, &self.reference);
        for (index, pattern) in self.patterns.iter().enumerate() {
            out.put_slice(match (index, self.extended) {
                (0, true) => b" (",
                _ => b" ",
            });
            put_string(out, &pattern.to_wire(), Side::Client);
        }
        if self.extended {
            out.put_slice(b") RETURN ");
            self.returns.write(out);
        }
    }
}

impl Lsub {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        cursor.space()?;
        let reference = cursor.mailbox()?;
        cursor.space()?;
        let pattern = pattern(cursor)?;
        Ok(Self { reference, pattern })
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.put_slice(b"LSUB ");
        put_mailbox(out, &self.reference);
        out.put_u8(b' ');
        put_string(out, &self.pattern.to_wire(), Side::Client);
    }
}

/// `list-mailbox = 1*list-char / string`.
fn pattern(cursor: &mut Cursor) -> Result<ListPattern> {
    let octets = match cursor.peek() {
        Some(b'"' | b'{') => cursor.string()?,
        _ => cursor.take_while(is_list_char),
    };
    ListPattern::from_wire(&octets).ok_or(CommandError::Expected("a pattern"))
}

impl ListSelection {
    fn parse(cursor: &mut Cursor) -> Result<Self> {
        let mut selection = Self::default();
        cursor.list(|cursor| {
            let word = cursor.atom("a selection option")?.to_ascii_uppercase();
            match word.as_slice() {
                b"SUBSCRIBED" => selection.subscribed = true,
                b"REMOTE" => selection.remote = true,
                b"RECURSIVEMATCH" => selection.recursive_match = true,
                b"SPECIAL-USE" => selection.special_use = true,
                _ => return Err(CommandError::Expected("a selection option")),
            }
            Ok(())
        })?;
        // RFC 5258 §3: RECURSIVEMATCH is invalid alone or only with REMOTE.
        if selection.recursive_match && !selection.subscribed && !selection.special_use {
            return Err(CommandError::Expected("what RECURSIVEMATCH shall match"));
        }
        Ok(selection)
    }

    fn write(self, out: &mut BytesMut) {
        put_words(
            out,
            &[
                (self.subscribed, "SUBSCRIBED"),
                (self.remote, "REMOTE"),
                (self.recursive_match, "RECURSIVEMATCH"),
                (self.special_use, "SPECIAL-USE"),
            ],
        );
        out.put_u8(b')');
    }
}

impl ListReturn {
    fn parse(cursor: &mut Cursor) -> Result<Self> {
        let mut returns = Self::default();
        cursor.list(|cursor| {
            let word = cursor.atom("a return option")?.to_ascii_uppercase();
            match word.as_slice() {
                b"SUBSCRIBED" => returns.subscribed = true,
                b"CHILDREN" => returns.children = true,
                b"SPECIAL-USE" => returns.special_use = true,
                b"STATUS" => {
                    cursor.space()?;
                    returns.status = Some(StatusItem::parse_list(cursor)?);
                }
                _ => return Err(CommandError::Expected("a return option")),
            }
            Ok(())
        })?;
        Ok(returns)
    }

    fn write(&self, out: &mut BytesMut) {
        let first = put_words(
            out,
            &[
                (self.subscribed, "SUBSCRIBED"),
                (self.children, "CHILDREN"),
                (self.special_use, "SPECIAL-USE"),
            ],
        );
        if let Some(items) = &self.status {
            out.put_slice(if first { b"STATUS " } else { b" STATUS " });
            put_items(out, items);
        }
        out.put_u8(b')');
    }
}

/// Writes an opening parenthesis and the selected words; true if there were none.
fn put_words(out: &mut BytesMut, words: &[(bool, &str)]) -> bool {
    let words: Vec<_> = words
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, w)| *w)
        .collect();
    out.put_u8(b'(');
    out.put_slice(words.join(" ").as_bytes());
    words.is_empty()
}
