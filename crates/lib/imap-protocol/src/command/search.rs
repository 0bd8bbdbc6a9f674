//! SEARCH: the search keys, and the requested form of the result (RFC 4731).

mod result;
mod write;

use bytes::{BufMut, BytesMut};

pub use result::SearchReturn;

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};
use crate::{Day, Keyword, SequenceSet, SystemFlags};

/// A condition on a message. FROM, SUBJECT and similar keys are [`SearchKey::Header`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchKey {
    /// Every message.
    All,
    /// A system flag that is set or not set.
    Flag(SystemFlags, bool),
    /// A keyword that is set or not set.
    Keyword(Keyword, bool),
    /// `RECENT`: new to this session.
    Recent,
    /// By sequence number.
    Sequence(SequenceSet),
    /// By UID.
    Uid(SequenceSet),
    /// `$` (RFC 5182)
    Saved,
    /// Internal date before the day.
    Before(Day),
    /// Internal date on the day.
    On(Day),
    /// Internal date on the day or after it.
    Since(Day),
    /// `Date:` before the day.
    SentBefore(Day),
    /// `Date:` on the day.
    SentOn(Day),
    /// `Date:` on the day or after it.
    SentSince(Day),
    /// A header field that contains this text; any value if it is empty.
    Header(String, String),
    /// Text within the body.
    Body(String),
    /// Text within header or body.
    Text(String),
    /// More octets than this.
    Larger(u64),
    /// Fewer octets than this.
    Smaller(u64),
    /// Arrived within this number of seconds (RFC 5032).
    Younger(u32),
    /// Arrived before this number of seconds (RFC 5032).
    Older(u32),
    /// Negation.
    Not(Box<Self>),
    /// Disjunction.
    Or(Box<Self>, Box<Self>),
    /// Conjunction.
    And(Vec<Self>),
}

/// `"SEARCH" [SP return-opts] [SP "CHARSET" SP charset] 1*(SP search-key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Whether UIDs are returned.
    pub uid: bool,
    /// RETURN, if given.
    pub result: Option<SearchReturn>,
    /// The condition.
    pub key: SearchKey,
}

const DEEPEST: u32 = 50;

/// Each key may be compared with each message of the mailbox.
const MOST_KEYS: usize = 1000;

/// The remaining limits of a search program.
struct Room {
    keys: usize,
}

impl Room {
    fn take(&mut self) -> Result<()> {
        self.keys = self
            .keys
            .checked_sub(1)
            .ok_or(CommandError::Expected("fewer search keys"))?;
        Ok(())
    }
}

impl Search {
    pub(crate) fn parse(cursor: &mut Cursor, uid: bool) -> Result<Self> {
        cursor.space()?;
        let mut result = None;
        if cursor.eat_word("RETURN") {
            cursor.space()?;
            result = Some(SearchReturn::parse(cursor)?);
            cursor.space()?;
        }
        if cursor.eat_word("CHARSET") {
            cursor.space()?;
            let charset = cursor.astring()?.to_ascii_uppercase();
            // US-ASCII is a subset of UTF-8.
            if !matches!(charset.as_slice(), b"UTF-8" | b"US-ASCII") {
                return Err(CommandError::Charset);
            }
            cursor.space()?;
        }
        let mut room = Room { keys: MOST_KEYS };
        let mut keys = vec![SearchKey::parse(cursor, DEEPEST, &mut room)?];
        while cursor.eat(b' ') {
            keys.push(SearchKey::parse(cursor, DEEPEST, &mut room)?);
        }
        let key = one_or_and(keys);
        Ok(Self { uid, result, key })
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.put_slice(if self.uid { b"UID SEARCH" } else { b"SEARCH" });
        if let Some(result) = self.result {
            result.write(out);
        }
        out.put_slice(b" CHARSET UTF-8 ");
        self.key.write(out);
    }
}

fn one_or_and(mut keys: Vec<SearchKey>) -> SearchKey {
    match keys.pop() {
        Some(only) if keys.is_empty() => only,
        Some(last) => {
            keys.push(last);
            SearchKey::And(keys)
        }
        None => SearchKey::All,
    }
}

/// The meaning of the flag keys.
const FLAG_KEYS: [(&str, SystemFlags, bool); 10] = [
    ("ANSWERED", SystemFlags::ANSWERED, true),
    ("DELETED", SystemFlags::DELETED, true),
    ("DRAFT", SystemFlags::DRAFT, true),
    ("FLAGGED", SystemFlags::FLAGGED, true),
    ("SEEN", SystemFlags::SEEN, true),
    ("UNANSWERED", SystemFlags::ANSWERED, false),
    ("UNDELETED", SystemFlags::DELETED, false),
    ("UNDRAFT", SystemFlags::DRAFT, false),
    ("UNFLAGGED", SystemFlags::FLAGGED, false),
    ("UNSEEN", SystemFlags::SEEN, false),
];

impl SearchKey {
    fn parse(cursor: &mut Cursor, depth: u32, room: &mut Room) -> Result<Self> {
        room.take()?;
        let depth = depth.checked_sub(1).ok_or(CommandError::TooDeep)?;
        match cursor.peek() {
            Some(b'(') => {
                let keys = cursor.list(|cursor| Self::parse(cursor, depth, room))?;
                if keys.is_empty() {
                    return Err(CommandError::Expected("a search key"));
                }
                return Ok(one_or_and(keys));
            }
            Some(b'$') => {
                let _ = cursor.eat(b'$');
                return Ok(Self::Saved);
            }
            Some(b'*' | b'0'..=b'9') => return cursor.sequence_set().map(Self::Sequence),
            _ => {}
        }
        let word = cursor.atom("a search key")?.to_ascii_uppercase();
        let word = std::str::from_utf8(&word).unwrap_or_default();
        if let Some((_, flag, set)) = FLAG_KEYS.iter().find(|(name, ..)| *name == word) {
            return Ok(Self::Flag(*flag, *set));
        }
        match word {
            "ALL" => Ok(Self::All),
            "RECENT" => Ok(Self::Recent),
            "NEW" => Ok(Self::And(vec![
                Self::Recent,
                Self::Flag(SystemFlags::SEEN, false),
            ])),
            "OLD" => Ok(Self::Not(Box::new(Self::Recent))),
            _ => {
                cursor.space()?;
                Self::parse_with_argument(word, cursor, depth, room)
            }
        }
    }

    fn parse_with_argument(
        word: &str,
        cursor: &mut Cursor,
        depth: u32,
        room: &mut Room,
    ) -> Result<Self> {
        let field =
            |name: &str, cursor: &mut Cursor| Ok(Self::Header(name.to_owned(), cursor.text()?));
        match word {
            "FROM" | "TO" | "CC" | "BCC" | "SUBJECT" => field(word, cursor),
            "HEADER" => {
                let name = cursor.text()?;
                cursor.space()?;
                field(&name, cursor)
            }
            "BODY" => cursor.text().map(Self::Body),
            "TEXT" => cursor.text().map(Self::Text),
            "KEYWORD" => keyword(cursor).map(|keyword| Self::Keyword(keyword, true)),
            "UNKEYWORD" => keyword(cursor).map(|keyword| Self::Keyword(keyword, false)),
            "UID" if cursor.eat(b'$') => Ok(Self::Saved),
            "UID" => cursor.sequence_set().map(Self::Uid),
            "BEFORE" => Day::parse(cursor).map(Self::Before),
            "ON" => Day::parse(cursor).map(Self::On),
            "SINCE" => Day::parse(cursor).map(Self::Since),
            "SENTBEFORE" => Day::parse(cursor).map(Self::SentBefore),
            "SENTON" => Day::parse(cursor).map(Self::SentOn),
            "SENTSINCE" => Day::parse(cursor).map(Self::SentSince),
            "LARGER" => cursor.number64().map(Self::Larger),
            "SMALLER" => cursor.number64().map(Self::Smaller),
            "YOUNGER" => interval(cursor).map(Self::Younger),
            "OLDER" => interval(cursor).map(Self::Older),
            "NOT" => Ok(Self::Not(Box::new(Self::parse(cursor, depth, room)?))),
            "OR" => {
                let left = Self::parse(cursor, depth, room)?;
                cursor.space()?;
                let right = Self::parse(cursor, depth, room)?;
                Ok(Self::Or(Box::new(left), Box::new(right)))
            }
            _ => Err(CommandError::Expected("a search key")),
        }
    }
}

fn keyword(cursor: &mut Cursor) -> Result<Keyword> {
    Keyword::new(&cursor.atom("a keyword")?).ok_or(CommandError::Expected("a keyword"))
}

fn interval(cursor: &mut Cursor) -> Result<u32> {
    match cursor.number()? {
        0 => Err(CommandError::Expected("a number above 0")),
        seconds => Ok(seconds),
    }
}
